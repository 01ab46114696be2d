"""One response as a client sees it that hides nothing: its bytes, and how they ended."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass

from tests.support.plain import asked

ASK = {
    "model": "test-model",
    "messages": [{"role": "user", "content": "tell me more"}],
    "stream": True,
    "stream_options": {"include_usage": True},
}


@dataclass(frozen=True)
class Seen:
    """One response. `end` is `whole`, `cut` (FIN too early), `reset`, `hang` or `garbage`."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes
    end: str

    @property
    def events(self) -> list[bytes]:
        """The data of every whole server-sent event."""
        plain = self.body.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")
        found: list[bytes] = []
        lines: list[bytes] = []
        for line in plain.split(b"\n"):
            if line.startswith(b"data:"):
                lines.append(line[5:].removeprefix(b" "))
            elif not line and lines:
                found.append(b"\n".join(lines))
                lines = []
        return found

    @property
    def said(self) -> str:
        """The text of the first choice, read as a forgiving client reads it."""
        if self.headers.get_content_type() == "application/json":
            return str(json.loads(self.body)["choices"][0]["message"]["content"])
        return "".join(self._texts()).encode("utf-16", "surrogatepass").decode("utf-16")

    def _texts(self) -> Iterator[str]:
        for data in self.events:
            if data == b"[DONE]":
                return
            try:
                chunk = json.loads(data)
                choice = chunk["choices"][0]
                text = choice["delta"]["content"] if choice["index"] == 0 else None
            except (ValueError, LookupError, TypeError, RecursionError):
                continue
            if isinstance(text, str):
                yield text


def see(url: str, patience: float = 10) -> Seen:
    """One response, as far as it goes; silence of `patience` seconds is taken for its end."""
    status, headers, body, end = 0, http.client.HTTPMessage(), bytearray(), "whole"
    try:
        with asked(url, ASK, timeout=patience) as response:
            status, headers = response.status, response.headers
            while piece := response.read1(65536):
                body += piece
                if body.startswith(b": keep-alive") and len(body) > 40:  # and so on, for ever
                    break
            end = "cut" if response.length else "whole"
    except (http.client.RemoteDisconnected, http.client.IncompleteRead):
        end = "cut"
    except ConnectionResetError:
        end = "reset"
    except TimeoutError:
        end = "hang"
    except http.client.HTTPException:
        end = "garbage"
    return Seen(status, headers, bytes(body), end)
