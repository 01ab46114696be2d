"""What was sent before, kept across runs for Up, Ctrl-R and the suggestions."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from prompt_toolkit.history import FileHistory

from chatcli.conversation.text import whole_text
from chatcli.errors import StorageError
from chatcli.storage import files


class PrivateHistory(FileHistory):
    """The history of the input line in a file for the user's eyes only.

    Where that can't be written, the history lasts as long as the chat.
    """

    def __init__(self, file: Path) -> None:
        super().__init__(str(file))
        with suppress(OSError, StorageError):
            files.make_folder(file.parent)
            file.touch(mode=files.PRIVATE_FILE)
            files.tighten(file, files.PRIVATE_FILE)

    def load_history_strings(self) -> Iterable[str]:
        try:
            yield from super().load_history_strings()
        except OSError:
            return

    def store_string(self, string: str) -> None:
        with suppress(OSError):
            super().store_string(whole_text(string))
