"""A draft in the user's own editor, and back."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from chatcli.conversation.text import whole_text
from chatcli.errors import UsageError

USUAL: Final = ("notepad",) if os.name == "nt" else ("editor", "nano", "vim", "vi", "emacs")
"""What is looked for where neither VISUAL nor EDITOR is set."""

SET_IT: Final = "set VISUAL or EDITOR to the command of one"


def edited(text: str, editor: str | None) -> str:
    """Return what the user makes of `text` in an editor, which has the terminal meanwhile.

    `editor` is its command, with arguments if it needs any. Raises UsageError where it is missing
    or fails; the file goes in any case.
    """
    command = _command(editor)
    fd, name = tempfile.mkstemp(prefix="chatcli-", suffix=".md")
    file = Path(name)
    try:
        with os.fdopen(fd, "w", encoding="utf-8", newline="\n") as out:
            out.write(whole_text(text))
        _run(command, file)
        return _read(file, command[0])
    finally:
        file.unlink(missing_ok=True)


def open_file(file: Path, editor: str | None) -> int:
    """Have the user edit a file in place, in an editor that has the terminal meanwhile.

    Returns the editor's exit code. Raises UsageError where it is missing or can't be started.
    """
    return _exit_code(_command(editor), file)


def _command(editor: str | None) -> list[str]:
    if editor is None:
        usual = next((name for name in USUAL if shutil.which(name)), None)
        if usual is None:
            raise UsageError("there is no editor", SET_IT)
        return [usual]
    try:
        command = shlex.split(editor, posix=os.name != "nt")
    except ValueError:
        command = []
    if not command:
        raise UsageError(f"`{editor}` is no command of an editor", SET_IT)
    return command


def _run(command: list[str], file: Path) -> None:
    code = _exit_code(command, file)
    if code:
        raise UsageError(f"the editor `{command[0]}` ended with {code}", "the draft is as it was")


def _exit_code(command: list[str], file: Path) -> int:
    try:
        return subprocess.call([*command, str(file)])  # noqa: S603 - it is the user's own command
    except OSError as error:
        why = error.strerror or str(error)
        raise UsageError(f"the editor `{command[0]}` can't be started: {why}", SET_IT) from error


def _read(file: Path, editor: str) -> str:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        told = f"what the editor `{editor}` left can't be read"
        raise UsageError(told, "the draft is as it was") from error
    # Editors end the last line, which a draft does not.
    return text.removesuffix("\n")
