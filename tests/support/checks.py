"""What a strict server refuses: each rule of the protocol as one small function.

A rule looks at one request and returns the Problem it sees, or None. The first problem counts.
Limits are those of https://platform.openai.com/docs/api-reference/chat/create.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from tests.support.parts import wrong_with_parts
from tests.support.protocol import Json, Recorded, error_body

ROLES = {"system", "developer", "user", "assistant", "tool"}
INSTRUCTIONS = {"system", "developer"}
MESSAGE_KEYS = {"role", "content", "name", "refusal", "tool_calls", "tool_call_id"}
RANGES: Mapping[str, tuple[float, float]] = {
    "temperature": (0, 2),
    "top_p": (0, 1),
    "presence_penalty": (-2, 2),
    "frequency_penalty": (-2, 2),
}
WHOLE_NUMBERS: Mapping[str, tuple[int, int]] = {
    "max_tokens": (1, 10**9),
    "max_completion_tokens": (1, 10**9),
    "n": (1, 1),  # as in llama.cpp: one choice
    "seed": (-(2**63), 2**63 - 1),
    "top_logprobs": (0, 20),
}
PARAMETERS = {
    *("model", "messages", "stream", "stream_options", "stop", "user", "store", "metadata"),
    *("logprobs", "logit_bias", "response_format", "modalities", "prediction", "service_tier"),
    *("reasoning_effort", "verbosity", "tools", "tool_choice", "parallel_tool_calls"),
    *("prompt_cache_key", "safety_identifier", "web_search_options"),
    *RANGES,
    *WHOLE_NUMBERS,
}


@dataclass(frozen=True)
class Rules:
    """How strict the server is, and whom it serves.

    `models` None serves any model. `prefill` lets the last message be the assistant's, to be
    continued. `alternate` refuses two messages of one role in a row, as some templates do.
    `extra` names further parameters that are known here.
    """

    api_key: str | None = None
    models: tuple[str, ...] | None = None
    prefill: bool = False
    alternate: bool = False
    extra: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True)
class Problem:
    """Why a request is refused. `malformed` says that the client broke the protocol."""

    message: str
    param: str | None = None
    code: str | None = None
    status: int = 400
    malformed: bool = True

    @property
    def body(self) -> Json:
        return error_body(self.message, param=self.param, code=self.code)


Rule = Callable[[Recorded, Rules], Problem | None]


def problem_in(request: Recorded, rules: Rules) -> Problem | None:
    """The first thing that is wrong with a request to the chat endpoint."""
    found = (rule(request, rules) for rule in RULES)
    return next((problem for problem in found if problem), None)


def unauthorized(request: Recorded, rules: Rules) -> Problem | None:
    """Say why the key is not accepted, which is no fault in the request's form."""
    if rules.api_key is None or request.headers.get("authorization") == f"Bearer {rules.api_key}":
        return None
    missing = "authorization" not in request.headers
    message = "You didn't provide an API key." if missing else "Incorrect API key provided."
    return Problem(message, None, "invalid_api_key", 401, malformed=False)


def overflow(request: Recorded, prompt: int, window: int | None) -> Problem | None:
    """Say that the prompt and the reply asked for do not fit into the window, all in tokens."""
    reserved = request.token_limit or 0
    if window is None or prompt + reserved <= window:
        return None
    if reserved:
        asked = prompt + reserved
        came = (
            f"you requested {asked} tokens ({prompt} in the messages, {reserved} in the completion)"
        )
        remedy = "the messages or completion"
    else:
        came, remedy = f"your messages resulted in {prompt} tokens", "the messages"
    return Problem(
        f"This model's maximum context length is {window} tokens. However, {came}. "
        f"Please reduce the length of {remedy}.",
        "messages",
        "context_length_exceeded",
        malformed=False,
    )


def _is_json(request: Recorded, rules: Rules) -> Problem | None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind != "application/json":
        return Problem(f"Content-Type must be application/json, not {kind or 'absent'}.")
    try:
        value = json.loads(request.raw, parse_constant=_no_such_number)
    except (ValueError, RecursionError) as error:
        return Problem(f"We could not parse the JSON body of your request: {error}")
    return None if isinstance(value, dict) else Problem("The body must be a JSON object.")


def _no_such_number(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


def _knows_every_parameter(request: Recorded, rules: Rules) -> Problem | None:
    for name in request.body:
        if name not in PARAMETERS | rules.extra:
            return Problem(f"Unrecognized request argument supplied: {name}", name)
    return None


def _names_a_model(request: Recorded, rules: Rules) -> Problem | None:
    model = request.body.get("model")
    if not isinstance(model, str) or not model.strip():
        return Problem("you must provide a model parameter", "model")
    if rules.models is not None and model not in rules.models:
        text = f"The model `{model}` does not exist or you do not have access to it."
        return Problem(text, None, "model_not_found", 404, malformed=False)
    return None


def _has_sound_messages(request: Recorded, rules: Rules) -> Problem | None:
    messages = request.body.get("messages")
    if not isinstance(messages, list) or not messages:
        return Problem("'messages' must be an array with at least one message.", "messages")
    for number, message in enumerate(messages):
        wrong = next(_wrong_with(message), None)
        if wrong:
            return Problem(f"Invalid 'messages[{number}]': {wrong}.", f"messages.[{number}]")
    return None


def _wrong_with(message: object) -> Iterator[str]:
    if not isinstance(message, dict):
        yield "not an object"
        return
    role, content = message.get("role"), message.get("content")
    if role not in ROLES:
        yield f"unknown role {role!r}"
    for key in message.keys() - MESSAGE_KEYS:
        yield f"unknown key {key!r}"
    if content is None and not message.get("tool_calls"):
        yield "no content"
    elif isinstance(content, list):
        yield from wrong_with_parts(content, role)
    elif content is not None and not isinstance(content, str):
        yield "its content is neither a string nor a list of parts"
    if not _is_text(message):
        yield "it has half of a surrogate pair, which is no character"


def _is_text(value: object) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_a_conversation(request: Recorded, rules: Rules) -> Problem | None:
    roles = [message["role"] for message in request.messages]
    turns = [role for role in roles if role not in INSTRUCTIONS]
    if any(role in INSTRUCTIONS for role in roles[len(roles) - len(turns) :]):
        return Problem("A system message must come before all others.", "messages")
    last = {"user", "tool", "assistant"} if rules.prefill else {"user", "tool"}
    if not turns or turns[-1] not in last:
        return Problem(f"The last message must not be the {roles[-1]}'s.", "messages")
    pairs = zip(["assistant", *turns], turns, strict=False)
    if rules.alternate and any(before == after for before, after in pairs):
        text = "Conversation roles must alternate user/assistant/user/assistant/..."
        return Problem(text, "messages")
    return None


def _asks_for_a_stream_properly(request: Recorded, rules: Rules) -> Problem | None:
    stream, options = request.body.get("stream"), request.body.get("stream_options")
    if stream is not None and not isinstance(stream, bool):
        return Problem("Invalid type for 'stream': expected a boolean.", "stream")
    if options is None:
        return None
    if not stream:
        text = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        return Problem(text, "stream_options")
    if not isinstance(options, dict) or options.keys() - {"include_usage", "include_obfuscation"}:
        return Problem("Invalid 'stream_options'.", "stream_options")
    if not all(isinstance(value, bool) for value in options.values()):
        return Problem("Invalid type in 'stream_options': expected a boolean.", "stream_options")
    return None


def _keeps_to_the_ranges(request: Recorded, rules: Rules) -> Problem | None:
    for limits, kind in ((RANGES, (int, float)), (WHOLE_NUMBERS, (int,))):
        for name, (low, high) in limits.items():
            value = request.body.get(name)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, kind):
                return Problem(f"Invalid type for '{name}': expected a number.", name)
            if not low <= value <= high:
                return Problem(f"Invalid '{name}': must be between {low} and {high}.", name)
    return None


def _stops_at_strings(request: Recorded, rules: Rules) -> Problem | None:
    stop = request.body.get("stop")
    if stop is None or isinstance(stop, str):
        return None
    if isinstance(stop, list) and 0 < len(stop) <= 4 and all(isinstance(s, str) for s in stop):
        return None
    return Problem("Invalid 'stop': a string, or one to four of them.", "stop")


RULES: tuple[Rule, ...] = (
    unauthorized,
    _is_json,
    _knows_every_parameter,
    _names_a_model,
    _has_sound_messages,
    _is_a_conversation,
    _asks_for_a_stream_properly,
    _keeps_to_the_ranges,
    _stops_at_strings,
)
