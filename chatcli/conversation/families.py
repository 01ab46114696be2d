"""How families of models count a prompt, by the names of models."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final


@dataclass(frozen=True, slots=True)
class Family:
    """How a family of models counts a prompt.

    `exact` says that this is known and not assumed. A message costs `per_message` tokens beside its
    texts, its name `per_name`, and a request `priming` for the reply that it asks for.

    `per_role` is what a message costs beside its content where the role's name does not tell. A
    request without a system prompt costs `unprompted` more: some templates put in one of their own.
    """

    encoding: str = "o200k_base"
    exact: bool = False
    per_message: int = 3
    per_name: int = 1
    priming: int = 3
    per_role: Mapping[str, int] = field(default_factory=dict)
    unprompted: int = 0

    def counted_with(self, encoding: str | None) -> Family:
        """Return the family with the vocabulary that the user states; None states none.

        What a message costs beside its text is then known no better than before.
        """
        if encoding in {None, self.encoding}:
            return self
        return replace(self, encoding=encoding, exact=False)


# The overhead up to gpt-4o is from OpenAI's cookbook, "How to count tokens with tiktoken". That of
# later models was found from the usage that the API reported for recorded requests.
_FAMILIES: Final = (
    (r"gpt-3\.?5-turbo-0301", Family("cl100k_base", True, per_message=4, per_name=-1)),
    (r"(?:chat)?gpt-4o|gpt-4\.[15]", Family("o200k_base", True)),
    (r"gpt-5(?!.*chat)|o[34]", Family("o200k_base", True, priming=2)),
    (r"gpt-4(?!\.)|gpt-3\.?5", Family("cl100k_base", True)),
)
_OPENAI_ITSELF: Final = r"(?:(?:openrouter|openai|azure|deployments|ft)[:/])*"


def family(model: str) -> Family:
    """The family of a model by its name, with or without a profile: `openai:gpt-4o`, `o3-mini`.

    A name that only contains a known one (`team-gpt-4o`, `acme/gpt-4`) is counted the same way but
    not called exact. Any other model is counted with the newest vocabulary.
    """
    name = model.lower()
    for pattern, known in _FAMILIES:
        whole_word = rf"(?:{pattern})(?![a-z0-9])"
        if re.match(_OPENAI_ITSELF + whole_word, name):
            return known
        if re.search(r"(?<![a-z0-9])" + whole_word, name):
            return replace(known, exact=False)
    return Family()
