"""How an endpoint wants its requests worded: what it calls the parameters, and which it refuses.

What a model does not take is read from its own answers (`refusals`), since no list of models stays
true.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

LIMIT: Final = "max_completion_tokens"
OLD_LIMIT: Final = "max_tokens"
RANDOM_SEED: Final = "random_seed"
ADJUSTABLE: Final = frozenset(
    {"temperature", "top_p", LIMIT, "seed", "stop", "reasoning_effort", "stream_options"}
)
"""What of a request can be worded another way, or left out."""

BY_VALUE: Final = frozenset({"reasoning_effort"})
"""What is refused for its value as a rule. Another value may be set by the next run."""

_SYNONYMS: Final[Mapping[str, tuple[str, ...]]] = {LIMIT: (LIMIT, OLD_LIMIT)}
_WORDS: Final = ADJUSTABLE | {OLD_LIMIT, RANDOM_SEED}


@dataclass(frozen=True, slots=True)
class Dialect:
    """What an endpoint calls the parameters, where that is not what the API calls them.

    `words` maps the API's name to the endpoint's own. `refused` are the words that the model does
    not take: another is used where there is one, or else the parameter is left out.
    """

    words: Mapping[str, str] = field(default_factory=dict, hash=False)
    refused: frozenset[str] = frozenset()

    def word(self, name: str) -> str | None:
        """Return what a parameter is called, None where the model takes no such parameter."""
        if name not in ADJUSTABLE:
            return name
        known = (word for word in self._synonyms(name) if word not in self.refused)
        return next(known, None)

    def spoken(self, body: Mapping[str, object]) -> dict[str, object]:
        """Return a request's body in the endpoint's words."""
        worded = ((self.word(name), value) for name, value in body.items())
        return {word: value for word, value in worded if word is not None}

    def adjustable(self, body: Iterable[str]) -> frozenset[str]:
        """Return those words of a body, as it is spoken here, that could be said another way."""
        return frozenset(word for word in map(self.word, ADJUSTABLE) if word in {*body})

    def without(self, words: Collection[str]) -> Dialect:
        return replace(self, refused=self.refused | (_WORDS & {*words}))

    def trying_again(self, name: str) -> Dialect:
        """Return the dialect with a parameter that may have been refused before."""
        return replace(self, refused=self.refused - {*self._synonyms(name)})

    def _synonyms(self, name: str) -> tuple[str, ...]:
        own = (self.words[name],) if name in self.words else ()
        return own + _SYNONYMS.get(name, () if own else (name,))
