"""A program that reads a PDF from stdin and says on stdout, in JSON, what text its pages have.

A PDF may be anybody's, and reading it may take as long as they want: so it is read in a process of
its own, which holds nobody up and can be ended. It says `{"text": …}`, with null where that is
longer than a message can be, or `{"fault": …}`.

    python -m chatcli.storage.pdfpages SECONDS < ship.pdf
"""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator

from chatcli.conversation.text import LONGEST_TEXT


def said_of(data: bytes) -> dict[str, str | None]:
    """Return what is said of the PDF that these bytes are."""
    texts: list[str] = []
    left = LONGEST_TEXT
    try:
        for text in _texts(data):
            texts.append(text)
            left -= len(text)
            if left < 0:
                return {"text": None}
    except Exception as error:  # noqa: BLE001 - it can be wrong in as many ways as there are PDFs
        return {"fault": str(error) or type(error).__name__}
    return {"text": "\n\n".join(texts)}


def _texts(data: bytes) -> Iterator[str]:
    import pypdf

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    for page in pypdf.PdfReader(io.BytesIO(data)).pages:
        if text := page.extract_text().strip():
            yield text


def _bound(seconds: int) -> None:
    """End this process after so many seconds of work, whether somebody waits for it or not."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))


if __name__ == "__main__":
    _bound(int(sys.argv[1]))
    json.dump(said_of(sys.stdin.buffer.read()), sys.stdout)
