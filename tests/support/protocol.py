"""The chat-completions protocol as values: what is asked, what is said, and the JSON of each.

Shapes are those of https://platform.openai.com/docs/api-reference/chat, field for field.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

Json = dict[str, object]
Messages = list[dict[str, str]]
Tokenizer = Callable[[str], int]

CHAT = "/v1/chat/completions"
MODELS = "/v1/models"
DONE = b"data: [DONE]\n\n"
TOKENS_PER_MESSAGE = 4
TOKENS_BEFORE_REPLY = 3


@dataclass(frozen=True)
class Recorded:
    """One request as it arrived.

    Header names are in lower case. `body` is the parsed JSON object, empty where there was none.
    `at` is seconds on the monotonic clock.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    raw: bytes
    body: Json
    at: float

    @property
    def token_limit(self) -> int | None:
        """The longest reply that the client wants, in tokens."""
        limits = (self.body.get("max_completion_tokens"), self.body.get("max_tokens"))
        return next((limit for limit in limits if isinstance(limit, int)), None)

    @property
    def messages(self) -> Messages:
        """The conversation that was sent, content parts joined into one text."""
        sent = self.body.get("messages")
        return [
            {"role": str(message.get("role")), "content": text_of(message.get("content"))}
            for message in (sent if isinstance(sent, list) else [])
            if isinstance(message, dict)
        ]


@dataclass(frozen=True)
class Reply:
    """What the model says. A tuple of texts fixes the deltas in which it is streamed."""

    text: str | tuple[str, ...] = ""
    reasoning: str | tuple[str, ...] = ""
    finish: str = "stop"

    @property
    def content(self) -> str:
        return "".join(self.text)

    @property
    def thought(self) -> str:
        return "".join(self.reasoning)

    def cut_to(self, tokens: int, tokenizer: Tokenizer) -> Reply:
        """The reply of a model that was stopped after so many tokens of text."""
        if tokenizer(self.content) <= tokens:
            return self
        lengths = range(len(self.content) + 1)
        kept = bisect_right(lengths, tokens, key=lambda n: tokenizer(self.content[:n])) - 1
        return replace(self, text=self.content[: max(kept, 0)], finish="length")


Responder = Callable[[Messages], str | Reply]


def remember(messages: Messages) -> str:
    """Answer from nothing but the messages, so that the answer proves what was sent."""
    question = messages[-1]["content"]
    names = [
        name
        for message in messages
        for name in re.findall(r"\bmy name is ([^\W\d_][\w'-]*)", message["content"], re.IGNORECASE)
    ]
    if not re.search(r"\bmy name\b[^.!]*\?", question, re.IGNORECASE):
        asked = [message["content"] for message in messages if message["role"] == "user"]
        return f"Echo: {asked[-1] if asked else question}"
    return f"Your name is {names[-1]}." if names else "I do not know your name."


def text_of(content: object) -> str:
    """The text of a message's content: a string, or a list of parts."""
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def rough_tokens(text: str) -> int:
    """A tokenizer that a test can do in its head: a token for every four characters begun."""
    return len(text) // 4 + 1


def prompt_tokens(messages: Messages, tokenizer: Tokenizer) -> int:
    each = sum(TOKENS_PER_MESSAGE + tokenizer(message["content"]) for message in messages)
    return each + TOKENS_BEFORE_REPLY


def usage(prompt: int, reply: Reply, tokenizer: Tokenizer) -> Json:
    thought = tokenizer(reply.thought) if reply.thought else 0
    completion = thought + tokenizer(reply.content)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": thought, "audio_tokens": 0},
    }


def error_body(
    message: str,
    kind: str = "invalid_request_error",
    *,
    param: str | None = None,
    code: str | None = None,
) -> Json:
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


@dataclass(frozen=True)
class Envelope:
    """What is the same in every object of one reply."""

    id: str
    created: int
    model: str

    def completion(self, reply: Reply, counted: Json) -> Json:
        """The whole reply as one object, for a request without `stream`."""
        message: Json = {"role": "assistant", "content": reply.content, "refusal": None}
        if reply.reasoning:
            message["reasoning_content"] = reply.thought
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reply.finish}
        return self._object("chat.completion", [choice]) | {"usage": counted}

    def chunks(self, reply: Reply, counted: Json | None, *, size: int) -> list[Json]:
        """The same reply as the objects of a stream.

        `size` is in characters; `counted` is None when the client did not ask for usage.
        """
        deltas: list[Json] = [{"role": "assistant", "content": "", "refusal": None}]
        deltas += [{"reasoning_content": part} for part in _parts(reply.reasoning, size)]
        deltas += [{"content": part} for part in _parts(reply.text, size)]
        choices = [*map(choice_of, deltas), choice_of({}, finish=reply.finish)]
        told = {} if counted is None else {"usage": None}
        chunks = [self._object("chat.completion.chunk", [choice]) | told for choice in choices]
        if counted is not None:
            chunks.append(self._object("chat.completion.chunk", []) | {"usage": counted})
        return chunks

    def _object(self, kind: str, choices: Sequence[object]) -> Json:
        return {
            "id": self.id,
            "object": kind,
            "created": self.created,
            "model": self.model,
            "service_tier": "default",
            "system_fingerprint": "fp_loopback",
            "choices": choices,
        }


def choice_of(delta: object, *, index: int = 0, finish: str | None = None) -> Json:
    return {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}


def encode(value: object) -> bytes:
    """JSON in UTF-8, where half of a surrogate pair can only be an escape."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode(errors="backslashreplace")


def event(value: object) -> bytes:
    """One server-sent event."""
    return b"data: " + encode(value) + b"\n\n"


def whole(chunks: Iterable[Json]) -> list[bytes]:
    """A stream as it should be: every chunk, then the mark of its end."""
    return [*map(event, chunks), DONE]


def _parts(text: str | tuple[str, ...], size: int) -> Sequence[str]:
    if isinstance(text, tuple):
        return text
    return [text[start : start + size] for start in range(0, len(text), size)]
