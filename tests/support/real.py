"""Servers that nobody here wrote, and ours beside them, each as one value with the same handles.

They run until the block ends: llama.cpp's own with the embedded weights, and `llmock`, a server of
chat-completions for tests of applications.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from chatcli.providers.base import Endpoint
from chatcli.providers.local import LocalEngine
from tests.support.protocol import Reply
from tests.support.server import ChatServer

KEY = "sk-of-the-server"
MODEL = "gpt-4o"


@dataclass(frozen=True)
class Real:
    """A running server.

    `cut_next` has it cut the next reply after some words, None where a limit of tokens does so.
    `checks_keys` and `checks_models` say what it refuses by itself, `remembers` that it can be
    relied on to use what it was told, `goes_on` that it goes on by itself with a reply that was
    begun. `delay_next` makes the next reply a slow one where it would be over too soon.
    """

    name: str
    endpoint: Endpoint
    checks_keys: bool = True
    checks_models: bool = False
    remembers: bool = True
    goes_on: bool = False
    cut_next: Callable[[], None] | None = None
    delay_next: Callable[[], None] = field(default=lambda: None)


@contextmanager
def ours(_weights: Path | None = None) -> Iterator[Real]:
    with ChatServer(api_key=KEY, models=(MODEL, "other"), chunk=2) as server:
        endpoint = Endpoint(server.url, KEY, MODEL)

        def delay() -> None:
            server.reply_with(Reply(tuple(f"{number} " for number in range(5000))))

        yield Real("ours", endpoint, checks_models=True, delay_next=delay)
        assert server.violations == []


@contextmanager
def llmock(_weights: Path | None = None) -> Iterator[Real]:
    from llmock.scenarios import Reply as Said
    from llmock.simulation import MockResponseSettings
    from llmock.testing import LLMockServer

    with LLMockServer(responses=MockResponseSettings(response_style="echo")) as server:
        add = server.state.scenarios.add
        yield Real(
            "llmock",
            Endpoint(server.base_url("openai"), KEY, MODEL),
            checks_keys=False,
            cut_next=lambda: add(Said("One two three four", finish_reason="length")),
            delay_next=lambda: add(Said("word " * 5000)),
        )


@contextmanager
def llamacpp(weights: Path) -> Iterator[Real]:
    engine = LocalEngine(weights, context=2048)
    try:
        # 135 million parameters forget even a name.
        yield Real("llama.cpp", engine.endpoint(), remembers=False, goes_on=True)
    finally:
        engine.close()
