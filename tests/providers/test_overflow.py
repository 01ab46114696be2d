"""Each server's own words for a prompt that is too long."""
# ruff: noqa: E501 - the words are the servers' own

from __future__ import annotations

import pytest

from chatcli.errors import Overflow
from chatcli.providers.base import Endpoint
from chatcli.providers.faults import from_body

HERE = Endpoint("http://127.0.0.1:1/v1")


def openai(message: str, code: str | None = None, kind: str = "invalid_request_error") -> object:
    return {"error": {"message": message, "type": kind, "param": "messages", "code": code}}


SAID = [
    (
        "OpenAI",
        400,
        openai(
            "This model's maximum context length is 8192 tokens. However, your messages resulted in "
            "10345 tokens. Please reduce the length of the messages.",
            "context_length_exceeded",
        ),
        (8192, 10345),
    ),
    (
        "OpenAI, newer",
        400,
        openai(
            "Your input exceeds the context window of this model. Please adjust your input and try "
            "again.",
            "context_length_exceeded",
        ),
        (None, None),
    ),
    (
        "Azure",
        400,
        openai(
            "This model's maximum context length is 16,385 tokens. However, you requested 17,021 "
            "tokens (16,021 in the messages, 1,000 in the completion). Please reduce the length of "
            "the messages or completion.",
            "context_length_exceeded",
        ),
        (16385, 16021),
    ),
    (
        "llama.cpp",
        400,
        {
            "error": {
                "code": 400,
                "message": "request (5123 tokens) exceeds the available context size (4096 tokens),"
                " try increasing it",
                "type": "exceed_context_size_error",
                "n_prompt_tokens": 5123,
                "n_ctx": 4096,
            }
        },
        (4096, 5123),
    ),
    (
        "llama.cpp, older",
        500,
        {"error": {"code": 500, "message": "Context size has been exceeded.", "type": "server"}},
        (None, None),
    ),
    (
        "vLLM",
        400,
        {
            "object": "error",
            "message": "This model's maximum context length is 4096 tokens. However, you requested "
            "5120 tokens (4608 in the messages, 512 in the completion). Please reduce the length.",
            "type": "BadRequestError",
            "code": 400,
        },
        (4096, 4608),
    ),
    (
        "vLLM, newer",
        400,
        openai(
            "The decoder prompt (length 9001) is longer than the maximum model length of 8192. Make "
            "sure that `max_model_len` is no smaller than the number of text tokens.",
            "400",
            "BadRequestError",
        ),
        (8192, 9001),
    ),
    (
        "Ollama",
        400,
        openai("prompt too long; exceeded max context length by 4 tokens", None, "api_error"),
        (None, None),
    ),
    (
        "LM Studio",
        400,
        {
            "error": "Trying to keep the first 6214 tokens when context the overflows. However, the "
            "model is loaded with context length of only 4096 tokens, which is not enough."
        },
        (4096, 6214),
    ),
    (
        "OpenRouter",
        400,
        {
            "error": {
                "message": "This endpoint's maximum context length is 32768 tokens. However, you "
                "requested about 40120 tokens (39120 of text input, 1000 in the output).",
                "code": 400,
                "metadata": {"provider_name": None},
            }
        },
        (32768, 39120),
    ),
    (
        "Anthropic",
        400,
        openai("prompt is too long: 208310 tokens > 200000 maximum"),
        (200000, 208310),
    ),
    (
        "Anthropic, with the reply",
        400,
        openai(
            "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000, decrease "
            "input length or `max_tokens` and try again"
        ),
        (200000, None),
    ),
    (
        "Gemini",
        400,
        openai(
            "The input token count (1200034) exceeds the maximum number of tokens allowed (1048576)."
        ),
        (1048576, 1200034),
    ),
    (
        "Mistral",
        400,
        {
            "object": "error",
            "message": "Prompt contains 40021 tokens and 0 draft tokens, too large for model with "
            "32768 maximum context length",
            "type": "invalid_request_prompt",
        },
        (32768, 40021),
    ),
    (
        "xAI",
        400,
        {
            "code": "Client specified an invalid argument",
            "error": "This model's maximum prompt length is 131072 but the request contains 140023 "
            "tokens.",
        },
        (131072, 140023),
    ),
]


@pytest.mark.parametrize(
    ("status", "body", "told"), [case[1:] for case in SAID], ids=[c[0] for c in SAID]
)
def test_it_is_recognised_with_its_numbers(
    status: int, body: dict[str, object], told: tuple[int | None, int | None]
) -> None:
    error = from_body(body, HERE, status)
    assert isinstance(error, Overflow), error
    assert (error.limit, error.prompt_tokens) == told
    assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (400, "Unknown parameter: 'context'."),
        (400, "max_tokens is too large: 9000. This model supports at most 4096 completion tokens."),
        (401, "maximum context length is 5 tokens, but your key is wrong"),
        (429, "Request too large: limit of 6000 tokens per minute"),
        (500, "The server had an error while processing your request."),
    ],
)
def test_other_errors_are_none(status: int, text: str) -> None:
    assert not isinstance(from_body(openai(text), HERE, status), Overflow)  # type: ignore[arg-type]
