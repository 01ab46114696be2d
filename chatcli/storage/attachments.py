"""Text files that go along with a question."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from chatcli.errors import NoSuchSession, UsageError
from chatcli.storage import files

MAX_BYTES: Final = 4 * 1024 * 1024


def attached(path: Path) -> str:
    """Return a text file fenced under its name, as part of a question. Raises UsageError."""
    try:
        data = files.read_bytes(files.place(path), MAX_BYTES)
    except NoSuchSession:
        raise UsageError(f"there is no file {path}") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{path} is no text in UTF-8", "only text can be attached") from None
    if "\0" in text:
        raise UsageError(f"{path} is binary", "only text can be attached")
    # Longer than any fence in the text, so that no line of the file can end it.
    fence = "`" * max(3, 1 + _longest_run(text))
    return f"{path.name}:\n{fence}\n{text.rstrip()}\n{fence}"


def question_of(message: str | None, paths: Sequence[Path], piped: str | None) -> str:
    """Put a question together from what was typed, the files, and what was piped in."""
    parts = [message, *(attached(path) for path in paths), (piped or "").strip()]
    question = "\n\n".join(part for part in parts if part and part.strip())
    if not question:
        raise UsageError("there is no question", "chatcli ask 'why is the sky blue?'")
    return question


def _longest_run(text: str) -> int:
    longest = run = 0
    for char in text:
        run = run + 1 if char == "`" else 0
        longest = max(longest, run)
    return longest
