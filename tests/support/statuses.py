"""Refusals: each status in the four shapes in which servers and the proxies before them say it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.client import responses

from tests.support.mischief import Fault, answer
from tests.support.protocol import Json, encode, error_body
from tests.support.wire import JSON

# Python 3.13 has other phrases for two of them.
PHRASES = responses | {413: "Request Entity Too Large", 422: "Unprocessable Entity"}

TEXT = "text/plain; charset=utf-8"
HTML = "text/html; charset=utf-8"

# status: (type, code, message), as OpenAI or whoever is known for that status words it
WORDS: Mapping[int, tuple[str, str | None, str]] = {
    400: ("invalid_request_error", None, "Invalid value for 'messages[0].content'."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided: sk-12**89."),
    402: ("invalid_request_error", None, "Insufficient Balance"),
    403: (
        "request_forbidden",
        "unsupported_country_region_territory",
        "Country, region, or territory not supported",
    ),
    404: (
        "invalid_request_error",
        "model_not_found",
        "The model `gpt-9` does not exist or you do not have access to it.",
    ),
    405: ("invalid_request_error", None, "Method not allowed."),
    408: ("timeout", None, "Request timed out."),
    409: ("invalid_request_error", "conflict", "The resource is being changed by another request."),
    413: ("invalid_request_error", "request_too_large", "Request too large."),
    422: ("invalid_request_error", None, "Unprocessable: messages.0.content: Field required"),
    429: (
        "requests",
        "rate_limit_exceeded",
        "Rate limit reached for requests per min (RPM): Limit 3. Please try again in 1s.",
    ),
    500: ("server_error", None, "The server had an error while processing your request. Sorry!"),
    501: ("server_error", None, "Streaming is not implemented."),
    502: ("server_error", None, "Bad gateway."),
    503: ("server_error", None, "The engine is currently overloaded, please try again later."),
    504: ("server_error", None, "Gateway timeout."),
    529: ("overloaded_error", None, "Overloaded"),
}

GEMINI_OVERFLOW = (
    "The input token count (5000) exceeds the maximum number of tokens allowed (4096)."
)

GEMINI_QUOTA = "You exceeded your current quota, please check your plan and billing details."
ANTHROPIC_CREDIT = "Your credit balance is too low to access the Anthropic API."

Shape = Callable[[int], tuple[bytes, str]]


def openai(status: int) -> tuple[bytes, str]:
    kind, code, message = WORDS[status]
    return encode(error_body(message, kind, code=code)), JSON


def fastapi(status: int) -> tuple[bytes, str]:
    message = WORDS[status][2]
    detail: object = message
    if status == 422:
        detail = [{"loc": ["body", "messages"], "msg": message, "type": "value_error"}]
    return encode({"detail": detail}), JSON


def text(status: int) -> tuple[bytes, str]:
    return WORDS[status][2].encode(), TEXT


def html(status: int) -> tuple[bytes, str]:
    title = f"{status} {PHRASES.get(status, 'Site is overloaded')}"
    page = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n"
        f"<center><h1>{title}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    )
    return page.encode(), HTML


SHAPES: tuple[Shape, ...] = (openai, fastapi, text, html)


def refusals() -> Iterator[Fault]:
    """Every status in every shape, named like `429-html`."""
    for status in WORDS:
        for shape in SHAPES:
            body, content_type = shape(status)
            name = shape.__name__
            yield Fault(
                f"{status}-{name}", f"{status}, said as {name}", answer(status, body, content_type)
            )


def http_date(seconds: float) -> str:
    """A moment so many seconds from now, as a header has it."""
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


def limited(name: str, what: str, headers: Callable[[], Mapping[str, str]]) -> Fault:
    """Too many requests, and when to come back."""
    return Fault(f"429-{name}", what, answer(429, *openai(429), headers))


def refusal(name: str, what: str, status: int, body: Json | list[Json]) -> Fault:
    return Fault(name, what, answer(status, encode(body)))


RETRIES = (
    limited("seconds", "try again in 1 s", lambda: {"retry-after": "1"}),
    limited("date", "try again at a certain moment", lambda: {"retry-after": http_date(2)}),
    limited("milliseconds", "try again in 50 ms", lambda: {"retry-after-ms": "50"}),
    limited("nonsense", "try again soon", lambda: {"retry-after": "soon"}),
    limited("tomorrow", "try again in a day", lambda: {"retry-after": "86400"}),
    limited("hour", "try again at a moment in an hour", lambda: {"retry-after": http_date(3600)}),
    limited("never", "try again when time is over", lambda: {"retry-after": "inf"}),
    limited("past", "try again a while ago", lambda: {"retry-after": "-5"}),
    Fault(
        "503-no-use",
        "a failure of which the server says that trying again is no use",
        answer(503, *openai(503), lambda: {"x-should-retry": "false"}),
    ),
    refusal(
        "402-openrouter",
        "out of credit, as OpenRouter says it",
        402,
        {"error": {"code": 402, "message": "This request requires more credits, or fewer tokens."}},
    ),
    refusal(
        "400-anthropic",
        "out of credit, as Anthropic says it",
        400,
        {"error": {"type": "invalid_request_error", "message": ANTHROPIC_CREDIT}},
    ),
    refusal(
        "429-gemini",
        "too many requests in words that elsewhere mean an empty account, in a list",
        429,
        [{"error": {"code": 429, "message": GEMINI_QUOTA, "status": "RESOURCE_EXHAUSTED"}}],
    ),
    refusal(
        "429-behind-openrouter",
        "too many requests at the provider behind",
        429,
        {
            "error": {
                "code": 429,
                "message": "Provider returned error",
                "metadata": {"raw": "model is temporarily rate-limited upstream"},
            }
        },
    ),
    refusal(
        "429-quota",
        "out of credit, so that trying again is no use",
        429,
        error_body(
            "You exceeded your current quota, please check your plan and billing details.",
            "insufficient_quota",
            code="insufficient_quota",
        ),
    ),
)

# All of them say, where they say it, 5000 tokens of prompt and a window of 4096.
OVERFLOWS = (
    refusal(
        "overflow-openai",
        "the prompt is too long, said as OpenAI says it",
        400,
        error_body(
            "This model's maximum context length is 4096 tokens. However, your messages resulted "
            "in 5000 tokens. Please reduce the length of the messages.",
            param="messages",
            code="context_length_exceeded",
        ),
    ),
    refusal(
        "overflow-llamacpp",
        "as llama.cpp says it, in numbers",
        400,
        {
            "error": {
                "code": 400,
                "message": "the request exceeds the available context size, try increasing it",
                "type": "exceed_context_size_error",
                "n_prompt_tokens": 5000,
                "n_ctx": 4096,
            }
        },
    ),
    refusal(
        "overflow-500",
        "as a failure of the server, without numbers",
        500,
        {
            "error": {
                "code": 500,
                "message": "Context size has been exceeded.",
                "type": "server_error",
            }
        },
    ),
    refusal(
        "overflow-vllm",
        "as vLLM says it, its error not in an object of its own",
        400,
        {
            "object": "error",
            "message": "This model's maximum context length is 4096 tokens. However, you "
            "requested 5000 tokens in the messages.",
            "type": "BadRequestError",
            "param": None,
            "code": 400,
        },
    ),
    refusal(
        "overflow-anthropic",
        "as Anthropic says it",
        400,
        error_body("prompt is too long: 5000 tokens > 4096 maximum"),
    ),
    refusal(
        "overflow-gemini",
        "as Gemini says it",
        400,
        {"error": {"code": 400, "message": GEMINI_OVERFLOW, "status": "INVALID_ARGUMENT"}},
    ),
    Fault(
        "overflow-text",
        "as free text",
        answer(400, b"input is too long: 5000 tokens, the maximum is 4096", TEXT),
    ),
)
