"""The text of a PDF, by way of the package pypdf (extra `pdf`), read in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from math import ceil
from pathlib import Path
from typing import Final

from chatcli.errors import AttachmentError
from chatcli.installing import install_line, installed

MOST_SECONDS: Final = 20.0
"""How long reading a PDF may take."""

_PROGRAM: Final = "chatcli.storage.pdfpages"


def text_of_pdf(path: Path, data: bytes, seconds: float = MOST_SECONDS) -> str:
    """Return the text of all pages. Raises AttachmentError where there is none to be had."""
    if not installed("pdf"):
        raise AttachmentError(f"{path} is a PDF", f"{install_line('pdf')} has it read")
    said = _said_of(path, data, seconds)
    if "fault" in said:
        what = " ".join(str(said["fault"]).split())[:80]
        raise AttachmentError(f"{path} can't be read: {what}", "attach its text")
    text = said["text"]
    if text is None:
        raise AttachmentError(f"{path} is too long", "attach a part of it")
    if not text:
        raise AttachmentError(f"{path} has no text", "its pages may be pictures")
    return text


def _said_of(path: Path, data: bytes, seconds: float) -> dict[str, str | None]:
    """Return what the program says of a PDF. Raises AttachmentError where it says nothing."""
    # -P: a file in the working folder, which may be anybody's, is no module.
    argv = [sys.executable, "-P", "-m", _PROGRAM, str(ceil(seconds))]
    try:
        done = subprocess.run(  # noqa: S603 - it is this package's own program
            argv,
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            check=True,
        )
        said: dict[str, str | None] = json.loads(done.stdout)
    except subprocess.SubprocessError as error:
        raise AttachmentError(
            f"{path} takes too long to read, or too much memory", "attach a part of it"
        ) from error
    except (OSError, ValueError) as error:
        raise AttachmentError(f"{path} can't be read: {error}", "attach its text") from error
    return said
