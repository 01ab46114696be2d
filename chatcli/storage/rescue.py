"""Where a conversation goes that can't be saved in its place when the user leaves."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from chatcli.conversation.session import Session
from chatcli.conversation.text import in_quotes
from chatcli.errors import StorageError
from chatcli.storage.journal import SUFFIX, FileJournal, at

FOLDER: Final = "chatcli-rescued-"
FILE: Final = f"conversation{SUFFIX}"


def kept_somewhere(session: Session) -> list[str]:
    """Bring to safety what could not be saved so far, and return lines on where it is."""
    if not session.trouble:
        return []
    for _ in session.save():
        pass
    return rescued(session) if session.trouble else []


def rescued(session: Session) -> list[str]:
    """Save `session` in a file elsewhere, and return lines on what became of it."""
    why = session.trouble
    for folder in _folders():
        path = folder / FILE
        with suppress(StorageError):
            for _ in session.save_elsewhere(FileJournal(at(path))):
                pass
            again = f"chatcli chat --session {in_quotes(str(path))}"
            return [f"all of it is in {path}; {again} goes on with it"]
        with suppress(OSError):
            folder.rmdir()
    return [f"what you said last is lost, for it could be saved nowhere: {why}"]


def _folders() -> Iterator[Path]:
    """Yield private folders on what may be other disks than the sessions'."""
    for place in (Path(tempfile.gettempdir()), Path.home(), Path.cwd()):
        try:
            yield Path(tempfile.mkdtemp(prefix=FOLDER, dir=place))
        except OSError:
            continue
