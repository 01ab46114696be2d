"""What a prompt costs the embedded model, from its engine's own tokenizer and chat template.

llama.cpp tells what it makes of a text (`/tokenize`) and of a conversation (`/apply-template`):
https://github.com/ggml-org/llama.cpp/tree/master/tools/server. Asking for whole prompts would be
exact and slow, so the price of each message is taken apart from a few short conversations, and some
harder ones are predicted from that. Where a prediction fails, as with a template that puts the
system prompt into the first question, the numbers are not called exact.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from http.client import HTTPConnection, HTTPException
from itertools import cycle, islice
from typing import Any, Final
from urllib.parse import urlsplit

from chatcli.conversation.families import Family
from chatcli.conversation.messages import Message, Role
from chatcli.providers.base import Endpoint

ANSWER_WITHIN: Final = 5.0
"""Seconds for one answer. A megabyte of text takes about one."""

QUIET_FOR: Final = 2.0
"""Seconds in which an engine that did not answer is not asked again."""

_ROLES: Final[dict[str, Role]] = {"s": "system", "u": "user", "a": "assistant"}
_WORD: Final = "word"
_BLANK: Final = " \n"
_BLANKS: Final = " \t\n\v\f\r"
_MARKS: Final = ("first-mark", "second-mark", "third-mark")

# Texts whose ends a tokenizer might join with what a template puts around them, and texts that a
# template might change.
_HARD: Final = (
    "\n\tdef f(x):\n\t\treturn x  \n\n",
    "Grüße, 船長! 🏴‍☠️",
    "",
    " <|im_end|>\n<s>[INST] user: </s>",
    "1234",
    "\n \n",
    "'s a word ",
)
_PREDICTED: Final = (("suauau", 0), ("suau", 6), ("uauau", 3))
"""The roles of the conversations that are predicted, and the hard text that each begins with."""


class Engine:
    """A line to the engine that is kept open between two questions, which may come at any time.

    `where` returns the endpoint of an engine that was running when last seen, another one after a
    restart. All methods may be called from any thread and raise OSError where no engine answers.
    """

    def __init__(self, where: Callable[[], Endpoint | None]) -> None:
        self._where = where
        self._lock = threading.Lock()
        self._endpoint: Endpoint | None = None
        self._line: HTTPConnection | None = None

    def tokens(self, text: str, *, whole: bool = False) -> int:
        """Count the tokens of a text, of a `whole` prompt with what the tokenizer itself adds.

        What looks like a special token is one, as it is inside of a message.
        """
        # JSON can't hold half a surrogate pair, so no prompt does.
        sendable = text.encode("utf-8", "replace").decode()
        answer = self._ask("/tokenize", {"content": sendable, "add_special": whole})
        if answer is None:
            raise ConnectionError("the engine does not tokenize")
        return len(answer["tokens"])

    def prompt(self, talk: Sequence[Message], *, reply: bool = True) -> str | None:
        """Return the text that the template makes of a conversation, None where it refuses to.

        `reply` ends it with the words that a reply follows.
        """
        said = [message.as_dict() for message in talk]
        asked = {"messages": said, "add_generation_prompt": reply}
        answer = self._ask("/apply-template", asked)
        return None if answer is None else str(answer["prompt"])

    def close(self) -> None:
        with self._lock:
            self._hang_up()

    def _ask(self, path: str, question: dict[str, object]) -> dict[str, Any] | None:
        body = json.dumps(question).encode()
        with self._lock:
            self._follow(self._where())
            # The engine hangs up on a line that was idle for some seconds.
            with suppress(ConnectionError):
                return self._exchange(path, body)
            return self._exchange(path, body)

    def _follow(self, endpoint: Endpoint | None) -> None:
        if endpoint is None:
            raise ConnectionError("the engine does not run")
        if endpoint != self._endpoint:
            self._hang_up()
            # No client for the web: such a one would ask the environment for a proxy.
            host = urlsplit(endpoint.base_url).netloc
            self._endpoint, self._line = endpoint, HTTPConnection(host, timeout=ANSWER_WITHIN)

    def _exchange(self, path: str, body: bytes) -> dict[str, Any] | None:
        assert self._line is not None
        assert self._endpoint is not None
        key = f"Bearer {self._endpoint.api_key}"
        headers = {"Authorization": key, "Content-Type": "application/json"}
        try:
            self._line.request("POST", path, body, headers)
            with self._line.getresponse() as response:
                answer = response.read()
            return dict(json.loads(answer)) if response.status == 200 else None
        except (OSError, HTTPException, ValueError) as error:
            self._line.close()
            if isinstance(error, TimeoutError):
                raise
            raise ConnectionError("the engine broke off") from error

    def _hang_up(self) -> None:
        if self._line is not None:
            self._line.close()
        self._endpoint = self._line = None


@dataclass(frozen=True, slots=True)
class Frame:
    """What a template puts around a user's text, and which blanks at the text's ends it keeps."""

    before: str = ""
    after: str = ""
    keeps_left: bool = True
    keeps_right: bool = True

    def around(self, text: str) -> str:
        left = text if self.keeps_left else text.lstrip(_BLANKS)
        return f"{self.before}{left if self.keeps_right else left.rstrip(_BLANKS)}{self.after}"


class LocalTokens:
    """Counts texts as the engine does; `family` is how its template makes a prompt of them.

    A text is counted in its place, because a tokenizer may join its ends with what stands around
    it. `count` returns None while no engine answers, and takes no longer than `ANSWER_WITHIN`.
    """

    def __init__(self, engine: Engine, frame: Frame, family: Family) -> None:
        """Raises OSError where no engine answers."""
        self.family = family
        self._engine = engine
        self._frame = frame
        self._bare = engine.tokens(frame.around(""))
        self._quiet_until = 0.0

    def count(self, text: str) -> int | None:
        if not text:
            return 0
        if time.monotonic() < self._quiet_until:
            return None
        try:
            return self._engine.tokens(self._frame.around(text)) - self._bare
        except OSError:
            self._quiet_until = time.monotonic() + QUIET_FOR
            return None

    def close(self) -> None:
        self._engine.close()


def tokens_of(where: Callable[[], Endpoint | None]) -> LocalTokens | None:
    """Return the tokenizer of the engine at `where`, None where it does not answer.

    That takes some twenty questions, a few hundredths of a second.
    """
    engine = Engine(where)
    try:
        frame = _frame(engine)
        return LocalTokens(engine, frame, _family(engine, frame))
    except OSError:
        engine.close()
        return None


def _talk(shape: str, texts: Iterator[str] | None = None) -> list[Message]:
    """Return a conversation whose roles are the letters of `shape`."""
    texts = texts or cycle([_WORD])
    return [Message(_ROLES[letter], next(texts)) for letter in shape]


def _frame(engine: Engine) -> Frame:
    """Find what stands around the texts of a conversation; nothing where they can't be found."""
    first, second, third = _MARKS
    prompt = engine.prompt(_talk("uau", (f"{_BLANK}{mark}{_BLANK}" for mark in _MARKS))) or ""
    _, _, rest = prompt.partition(first)
    after, _, rest = rest.partition(second)
    before, found, _ = rest.partition(third)
    if not found:
        return Frame()
    left, right = before.endswith(_BLANK), after.startswith(_BLANK)
    before, after = (each.removeprefix(_BLANK).removesuffix(_BLANK) for each in (before, after))
    return Frame(before, after, left, right)


def _family(engine: Engine, frame: Frame) -> Family:
    """Measure what messages cost beside their texts, and say whether that predicts prompts.

    Where a template wants questions and replies in turn, only their sum can be known, and only
    that is ever needed.
    """
    word = engine.tokens(frame.around(_WORD)) - engine.tokens(frame.around(""))
    alone, longer, prompted = (_size(engine, _talk(shape)) for shape in ("u", "uau", "su"))
    if alone is None or longer is None:
        return Family()
    pair = longer - alone - 2 * word
    doubled = _size(engine, _talk("uu"))
    user = pair // 2 if doubled is None else doubled - alone - word
    closed = _size(engine, _talk("u"), reply=False)
    priming = engine.tokens("", whole=True) + (0 if closed is None else alone - closed)
    system = user if prompted is None else prompted - priming - user - 2 * word
    measured = Family(
        priming=priming,
        per_role={"system": system, "user": user, "assistant": pair - user},
        unprompted=alone - priming - user - word,
    )
    predicted = (_predicts(engine, frame, measured, *talk) for talk in _PREDICTED)
    return replace(measured, exact=prompted is not None and all(predicted))


def _predicts(engine: Engine, frame: Frame, family: Family, shape: str, start: int) -> bool:
    """Tell whether a prompt of hard texts costs what the family says."""
    talk = _talk(shape, islice(cycle(_HARD), start, None))
    bare = engine.tokens(frame.around(""))
    texts = sum(engine.tokens(frame.around(message.content)) - bare for message in talk)
    roles = sum(family.per_role[message.role] for message in talk)
    request = family.priming + (0 if "s" in shape else family.unprompted)
    return request + roles + texts == _size(engine, talk)


def _size(engine: Engine, talk: Sequence[Message], *, reply: bool = True) -> int | None:
    """Count the tokens of a whole prompt; None where the template refuses it."""
    prompt = engine.prompt(talk, reply=reply)
    return None if prompt is None else engine.tokens(prompt, whole=True)
