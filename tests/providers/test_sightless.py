"""That a model takes no images: in the words of each server, and in no others."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatcli.errors import NoImages, UsageError
from chatcli.providers.base import Endpoint
from chatcli.providers.faults import from_body
from chatcli.providers.models import Models
from chatcli.providers.sightless import is_sightless
from chatcli.settings import load

BLIND = {
    "openai": "Invalid content type. image_url is only supported by certain models.",
    "ollama": "this model does not support image input (ref: b8bd630e)",
    "ollama, earlier": (
        "json: cannot unmarshal array into Go struct field Message.messages.content of type string"
    ),
    "ollama, a torn model": "this model is missing data required for image input",
    "llama.cpp": (
        "image input is not supported - hint: if this is unexpected, you may need to provide the "
        "mmproj"
    ),
    "llama.cpp, earlier": 'Failed to parse messages: Unsupported content part type: "image_url"',
    "vllm": "At most 0 image(s) may be provided in one request.",
    "vllm, earlier": "Unknown part type: image_url",
    "lm studio": "Model does not support images. Please use a model that does.",
    "openrouter": "No endpoints found that support image input",
    "groq": "'messages.0' : for 'role:user' the following must be satisfied"
    "[('messages.0.content' : value must be a string)]",
    "deepseek": (
        "Failed to deserialize the JSON body into the target type: messages[1]: unknown variant "
        "`image_url`, expected `text`"
    ),
    "mistral": "Image input is not enabled for this model",
    "gemini": "Image input modality is not enabled for models/gemma-3-1b-it",
    "xai": "Image inputs are not supported by this model.",
    "fastapi": "body.messages.0.content: Input should be a valid string",
}

OTHERS = (
    "Invalid image data",
    "image exceeds 5 MB maximum: 5316852 bytes > 5242880 bytes",
    "You uploaded an unsupported image. Please make sure your image is valid.",
    "this endpoint does not support image types other than png",
    "Image size is not supported",
    "This model does not support images larger than 8000 pixels",
    "the model does not support image inputs above 2048 pixels",
    "Model doesn't accept images over 20 MB",
    "this model does not support images with transparency",
    "Cannot handle image: corrupted data",
    "Image content is not allowed by our safety system",
    "this model does not support tools",
    "The model `llava` does not exist",
    "Invalid 'temperature': must be between 0 and 2",
    "messages with role 'tool' must be a response to a preceeding message",
)


@pytest.mark.parametrize("server", BLIND)
def test_a_server_that_takes_no_images_is_understood(server: str) -> None:
    endpoint = Endpoint("http://127.0.0.1:1/v1")
    for status in (400, 500):
        error = from_body({"error": {"message": BLIND[server]}}, endpoint, status)
        assert isinstance(error, NoImages)
        assert not error.retryable
        assert "the message is kept" in error.hint


@pytest.mark.parametrize("text", OTHERS)
def test_what_is_wrong_with_an_image_or_with_something_else_is_not_that(text: str) -> None:
    assert not is_sightless(400, "", text)


def test_too_many_requests_are_no_question_of_images() -> None:
    assert not is_sightless(429, "", "image input is not supported")


@pytest.mark.parametrize(
    ("model", "config", "sees"),
    [
        ("openai:gpt-4o", "", True),
        ("openai:gpt-3.5-turbo", "", False),
        ("openai:gpt-4o", "images = false", False),
        ("openai:gpt-3.5-turbo", "images = true", True),
        ("local", "", False),
        ("local:/tmp/llava.gguf", "", False),
        ("ollama:anything", "", True),
    ],
)
def test_what_config_says_of_a_profile_goes_before_what_is_known_of_a_name(
    tmp_path: Path, model: str, config: str, *, sees: bool
) -> None:
    (tmp_path / "config.toml").write_text(f"[profiles.openai]\n{config}\n")
    environ = {"CHATCLI_HOME": str(tmp_path), "OPENAI_API_KEY": "sk-test"}
    settings = load(environ=environ, cwd=tmp_path)
    assert Models(settings).use(model).takes_images is sees


@pytest.mark.parametrize("value", ["1", "'yes'", "[]"])
def test_whether_a_profile_takes_images_is_true_or_false(tmp_path: Path, value: str) -> None:
    (tmp_path / "config.toml").write_text(f"[profiles.openai]\nimages = {value}\n")
    environ = {"CHATCLI_HOME": str(tmp_path), "OPENAI_API_KEY": "sk-test"}
    with pytest.raises(UsageError, match=r"`images` .*must be true or false"):
        Models(load(environ=environ, cwd=tmp_path)).use("openai:gpt-4o")
