"""What a message costs in tokens, and how sure that number is.

A prompt costs the tokens of its texts, some more for each message, and some for the reply to come.
For OpenAI's models all three are known, and with the right vocabulary the count is exact; so it is
for a model that tells how it counts itself, see `Tokenizer`. For other models it is a prediction
with OpenAI's newest vocabulary, which `Calibration` corrects by what the endpoint reports. Until a
vocabulary is there, `estimate` stands in for it. What an image costs is always an estimate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from chatcli.conversation.calibration import Calibration, truncated
from chatcli.conversation.counting import Counting
from chatcli.conversation.encoders import Encoder, Estimator, Tokenizer, VocabularyEncoder
from chatcli.conversation.estimate import estimate
from chatcli.conversation.families import Family, family
from chatcli.conversation.images import Image
from chatcli.conversation.messages import Message
from chatcli.conversation.vision import image_cost

__all__ = ["Count", "Encoder", "Precision", "TokenCounter", "Tokenizer", "VocabularyEncoder"]

Precision: TypeAlias = Literal["exact", "calibrated", "estimated"]


@dataclass(frozen=True, slots=True)
class Count:
    """A number of tokens and how sure it is."""

    tokens: int
    precision: Precision

    def __str__(self) -> str:
        """Return the number as people read it, with `≈` before what is not exact."""
        return f"{'' if self.precision == 'exact' else '≈'}{self.tokens:,}"


class TokenCounter:
    """Counts messages for one model, each text once.

    It estimates until `use` hands it an encoder, at any time and from any thread: the encoder and
    all that belongs to it are one object, replaced in one step. `snapshot` is for whoever adds up
    several calls and must not see that happen in between.
    """

    def __init__(
        self,
        model: str,
        calibration: Calibration | None = None,
        taught: Callable[[Calibration], None] = lambda _calibration: None,
        encoding: str | None = None,
    ) -> None:
        """`taught` is called with the calibration whenever a report has changed it.

        `encoding` is the vocabulary that the user states; None leaves it to the model's name.
        """
        self._taught = taught
        self._image_cost = image_cost(model)
        known = family(model).counted_with(encoding)
        self._estimated = Counting(Estimator(), known, calibration or Calibration())
        self._now = self._estimated

    def use(self, encoder: Encoder, texts: Iterable[str] = ()) -> None:
        """Count with this encoder, which belongs to `family.encoding`, from now on.

        The `texts` are counted before that, so that nobody who counts them has to wait.
        """
        self._begin(Counting(encoder, self.family, self.calibration), texts)

    def use_own(self, tokenizer: Tokenizer, texts: Iterable[str] = ()) -> None:
        """Count from now on as the model itself does. What was learned before no longer holds."""
        if self._now.encoder is not tokenizer:
            self._begin(Counting(tokenizer, tokenizer.family, Calibration()), texts)

    def _begin(self, counting: Counting, texts: Iterable[str]) -> None:
        for text in texts:
            counting.count(text)
        self._now = counting

    @property
    def family(self) -> Family:
        return self._now.family

    @property
    def calibration(self) -> Calibration:
        return self._now.calibration

    @calibration.setter
    def calibration(self, learned: Calibration) -> None:
        self._now = replace(self._now, calibration=learned)

    @property
    def estimates(self) -> bool:
        """Whether there is no vocabulary yet."""
        return self._now is self._estimated

    def snapshot(self) -> TokenCounter:
        """A counter that stays as this one is now, and shares what was counted."""
        return copy(self)

    @property
    def precision(self) -> Precision:
        """How sure the numbers are that were counted last."""
        if self.estimates or self._now.guessed:
            return "estimated"
        if self.family.exact and self.calibration.agrees:
            return "exact"
        return "calibrated" if self.calibration.reports else "estimated"

    @property
    def overhead(self) -> int:
        """What a request with a system prompt costs beside its messages."""
        return self._request(self.family.priming)

    def overhead_of(self, messages: Iterable[Message]) -> int:
        """What a request with these messages costs beside them."""
        if any(message.role == "system" for message in messages):
            return self.overhead
        return self._request(self.family.priming + self.family.unprompted)

    def price(self, message: Message) -> int:
        """The tokens of one message, its own overhead included."""
        tokens = self.count_message(message.role, message.content)
        return tokens + sum(map(self.price_image, message.images))

    def price_image(self, image: Image) -> int:
        """The tokens that an image adds to its message, an estimate."""
        return self._image_cost(image.width, image.height)

    def count_message(self, role: str, content: str, name: str = "") -> int:
        """The tokens of one message, its own overhead included."""
        tokens = self._role(role) + self._now.count(content)
        if name:
            tokens += self._now.count(name) + self.family.per_name
        return self._scaled(tokens)

    def count_draft(self, content: str, blocks: Sequence[str] = ()) -> int:
        """The tokens of a user's message that may still change, so that no count of it is kept.

        That of the `blocks` below it is, for they are files, until the next draft has others. It is
        a token off for each of them where a vocabulary cuts an empty line before a text in two, as
        OpenAI's don't.
        """
        now = self._now
        typed = f"{content}\n\n" if blocks and content.strip() else content
        tokens = now.encoder.count(typed)
        if tokens is None:
            tokens = estimate(typed)
        files = now.count_files(_parted(blocks))
        return self._scaled(self._role("user") + tokens + files)

    def count_prompt(self, messages: Iterable[Message]) -> Count:
        """The tokens of a request: its overhead and the price of each message, added up."""
        now, sent = self.snapshot(), list(messages)
        tokens = now.overhead_of(sent) + sum(map(now.price, sent))
        seen = any(message.images for message in sent)
        return Count(tokens, "estimated" if seen else now.precision)

    @property
    def version(self) -> object:
        """Another value whenever messages may have another price than before.

        A guess may do better the next time, so as long as there is one it is another every time.
        """
        now = self._now
        return object() if now.guessed else (id(now.known), now.calibration.scale)

    def learn(self, messages: Iterable[Message], reported: int) -> bool:
        """Take note of the prompt tokens that the endpoint reported for a request.

        Estimates teach nothing, and nor does a request with an image, whose price is one: a
        calibration is about the vocabulary and outlives the session.
        Returns whether they are so few that the endpoint can't have read all of it, which teaches
        nothing either.
        """
        sent = list(messages)
        if self.estimates or any(message.images for message in sent):
            return False
        if truncated(
            self.count_prompt(sent).tokens, reported, surely=self.precision != "estimated"
        ):
            return True
        now, plain = self._now, self.snapshot()
        plain.calibration = Calibration()
        predicted = plain.count_prompt(sent).tokens
        # By now another encoder may count, of which this says nothing.
        if self._now is now and not now.guessed:
            self.calibration = now.calibration.learn(predicted, reported)
            self._taught(self.calibration)
        return False

    def _role(self, role: str) -> int:
        per_role = self.family.per_role.get(role)
        return self._now.count(role) + self.family.per_message if per_role is None else per_role

    def _request(self, tokens: int) -> int:
        return max(0, round(self.calibration.apply(tokens)))

    def _scaled(self, tokens: int) -> int:
        return max(1, round(tokens * self.calibration.scale))


def _parted(blocks: Sequence[str]) -> Iterator[str]:
    """Yield blocks as they stand below each other, with an empty line after each but the last."""
    yield from (f"{each}\n\n" for each in blocks[:-1])
    yield from blocks[-1:]
