"""What a model does not take is read from its answer, and no wording is tried twice."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatcli.providers.dialect import ADJUSTABLE, LIMIT, OLD_LIMIT, Dialect
from chatcli.providers.refusals import refused
from tests.support.picky import openai

EVERYTHING = {*ADJUSTABLE, OLD_LIMIT}


def forbidden(*path: str) -> dict[str, object]:
    said = "Extra inputs are not permitted"
    return {"type": "extra_forbidden", "loc": ["body", *path], "msg": said, "input": "stop"}


NO_FIELD = 'Invalid JSON payload received. Unknown name "{}": Cannot find field.'
SAID: list[tuple[str, int, object, set[str]]] = [
    (
        "openai's limit",
        400,
        openai(
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
            "'max_completion_tokens' instead.",
            "max_tokens",
            "unsupported_parameter",
        ),
        {OLD_LIMIT},
    ),
    (
        "openai's temperature",
        400,
        openai(
            "Unsupported value: 'temperature' does not support 0.2 with this model. Only the "
            "default (1) value is supported.",
            "temperature",
            "unsupported_value",
        ),
        {"temperature"},
    ),
    (
        "openai's stop",
        400,
        openai("Unsupported parameter: 'stop' is not supported with this model.", None, None),
        {"stop"},
    ),
    (
        "an older server of openai's",
        400,
        openai("Unrecognized request argument supplied: stream_options", None, None),
        {"stream_options"},
    ),
    ("copilot", 400, {"error": {"message": "'max_tokens' is not supported"}}, {OLD_LIMIT}),
    ("fastapi", 422, {"detail": [forbidden("seed")]}, {"seed"}),
    (
        "mistral",
        422,
        {
            "object": "error",
            "message": {"detail": [forbidden(LIMIT), forbidden("stream_options", "include_usage")]},
            "type": "invalid_request_error",
            "param": None,
            "code": None,
        },
        {LIMIT, "stream_options"},
    ),
    (
        "mistral's body in a text",
        422,
        {"object": "error", "message": json.dumps({"detail": [forbidden("seed")]}), "code": "1000"},
        {"seed"},
    ),
    (
        "vllm",
        400,
        {
            "object": "error",
            "message": "[{'type': 'extra_forbidden', 'loc': ('body', 'max_completion_tokens'), "
            "'msg': 'Extra inputs are not permitted', 'input': 8192}]",
            "code": 400,
        },
        {LIMIT},
    ),
    (
        "groq's field",
        400,
        {"error": {"message": "property 'stream_options' is unsupported, did you mean 'stop'?"}},
        {"stream_options"},
    ),
    (
        "groq's value",
        400,
        {"error": {"message": "reasoning_effort must be one of none or default"}},
        {"reasoning_effort"},
    ),
    (
        "xai",
        400,
        {
            "code": "invalid-argument",
            "error": "Model grok-4 does not support parameter reasoningEffort.",
        },
        {"reasoning_effort"},
    ),
    (
        "xai's stop",
        400,
        {"code": "invalid-argument", "error": "Argument not supported on this model: stop"},
        {"stop"},
    ),
    (
        "gemini",
        400,
        [
            {
                "error": {
                    "code": 400,
                    "message": "\n".join(map(NO_FIELD.format, ("seed", "top_k"))),
                    "status": "INVALID_ARGUMENT",
                    "details": [{"fieldViolations": [{"description": NO_FIELD.format("seed")}]}],
                }
            }
        ],
        {"seed"},
    ),
    (
        "anthropic's two",
        400,
        openai(
            "`temperature` and `top_p` cannot both be specified for this model. Please use only "
            "one.",
            None,
            None,
        ),
        {"top_p"},
    ),
    (
        "anthropic's newest",
        400,
        openai("`temperature` is deprecated for this model.", None, None),
        {"temperature"},
    ),
    (
        "a strict parser",
        422,
        "unknown field `seed`, expected one of `model`, `temperature`, `stop`",
        {"seed"},
    ),
    ("python", 400, {"error": "got an unexpected keyword argument 'top_p'"}, {"top_p"}),
    (
        "a limit that is too high",
        400,
        openai("max_tokens is too large: 9000.", "max_tokens", "invalid_value"),
        set(),
    ),
    (
        "a value out of bounds",
        422,
        {
            "detail": [
                {
                    "type": "less_than_equal",
                    "loc": ["body", "temperature"],
                    "msg": "Input should be less than or equal to 1",
                }
            ]
        },
        set(),
    ),
    (
        "a prompt that is too long",
        400,
        openai("input length and `max_tokens` exceed context limit: 9 + 2 > 10", None, None),
        set(),
    ),
    (
        "what the user said",
        422,
        {"detail": [{"msg": "Field required", "input": "temperature is not supported"}]},
        set(),
    ),
    ("another complaint", 400, openai("Images are not supported; stop it.", None, None), set()),
    ("a wrong key", 401, openai("temperature is not supported", None, None), set()),
    ("a failure", 500, openai("temperature is not supported", None, None), set()),
]


@pytest.mark.parametrize(
    ("status", "body", "words"), [c[1:] for c in SAID], ids=[c[0] for c in SAID]
)
def test_what_a_model_refuses_is_read_from_its_answer(
    status: int, body: object, words: set[str]
) -> None:
    assert refused(status, body, EVERYTHING) == words


def test_only_what_was_sent_can_have_been_refused() -> None:
    body = openai("'max_tokens' is not supported", "max_tokens", "unsupported_parameter")
    assert refused(400, body, {LIMIT}) == set()


@settings(deadline=None)
@given(
    st.text(max_size=200)
    | st.recursive(
        st.none() | st.text(max_size=30) | st.sampled_from(sorted(EVERYTHING)),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["error", "loc", "param", "code", "x"]), inner)
        ),
    ).map(lambda value: json.dumps(value).encode())
)
def test_no_answer_is_too_odd_to_be_read(content: bytes) -> None:
    assert refused(400, content, EVERYTHING) <= EVERYTHING


@settings(deadline=None)
@given(st.lists(st.sets(st.sampled_from(sorted(EVERYTHING)), min_size=1), max_size=20))
def test_each_wording_is_tried_once(rounds: list[set[str]]) -> None:
    dialect, body = Dialect({LIMIT: OLD_LIMIT}), dict.fromkeys(ADJUSTABLE, 1)
    seen = [dialect.adjustable(dialect.spoken(body))]
    for words in rounds:
        dialect = dialect.without(words & seen[-1])
        if words & seen[-1]:
            seen.append(dialect.adjustable(dialect.spoken(body)))
    assert len(seen) == len(set(seen)), "no wording comes twice"
    assert seen[-1] == dialect.spoken(body).keys()
