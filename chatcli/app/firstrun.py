"""What somebody needs to know who has nothing yet that could answer."""

from __future__ import annotations

from chatcli.installing import install_line, installed
from chatcli.providers.profiles import LOCAL


def ways(model: str, fallback: str | None = None) -> tuple[str, ...]:
    """Return the ways to get an answer, as five lines; none where `model` may well give one.

    `model` is whom the chat would ask, `fallback` whom it would ask after that, both as the user
    names them.
    """
    asked = {each.partition(":")[0] for each in (model, fallback) if each}
    if asked != {LOCAL} or installed("local"):
        return ()
    return (
        "Nothing is set up yet that could answer. There are three ways:",
        f"1. on this machine, without a key: {install_line('local')}",
        "2. with a key: export OPENAI_API_KEY=…, or chatcli config key set openai",
        "3. from a server of your own: chatcli chat --model ollama:NAME",
        "chatcli doctor tells what there is, and what is missing.",
    )
