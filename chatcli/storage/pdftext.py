"""The text of a PDF, by way of the package pypdf (extra `pdf`)."""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from chatcli.conversation.text import LONGEST_TEXT
from chatcli.errors import AttachmentError

if TYPE_CHECKING:
    import pypdf

MOST_SECONDS: Final = 20.0
"""How long the pages of a PDF may take together; looked at between two of them."""


def text_of_pdf(path: Path, data: bytes) -> str:
    """Return the text of all pages. Raises AttachmentError where there is none to be had."""
    try:
        import pypdf
    except ImportError:
        hint = "pip install 'chatcli[pdf]' has it read"
        raise AttachmentError(f"{path} is a PDF", hint) from None
    # Its warnings would be written over the screen.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        pages = list(_pages(path, pypdf.PdfReader(io.BytesIO(data))))
    except AttachmentError:
        raise
    except Exception as error:  # a PDF may be anybody's, and can be wrong in as many ways
        what = " ".join(str(error).split())[:80] or type(error).__name__
        raise AttachmentError(f"{path} can't be read: {what}", "attach its text") from error
    text = "\n\n".join(page for page in pages if page)
    if not text:
        raise AttachmentError(f"{path} has no text", "its pages may be pictures")
    return text


def _pages(path: Path, reader: pypdf.PdfReader) -> Iterator[str]:
    ends = time.monotonic() + MOST_SECONDS
    length = 0
    for page in reader.pages:
        text = page.extract_text().strip()
        length += len(text)
        if length > LONGEST_TEXT or time.monotonic() > ends:
            raise AttachmentError(f"{path} is too long", "attach a part of it")
        yield text
