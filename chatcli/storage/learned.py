"""What endpoints have taught: how they count tokens, how much they read, and what they refuse.

One small JSON file, an object with an entry for each endpoint and model. It is a memory of ours and
nobody's work: where it can't be read or written, it is learned again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from chatcli.conversation.calibration import Calibration
from chatcli.errors import StorageError
from chatcli.storage import files
from chatcli.storage.strictjson import strict_json

FILE: Final = "learned.json"
MAX_BYTES: Final = 1024 * 1024
MAX_ENTRIES: Final = 200
_MOST_TOKENS: Final = 10**9


class Learned:
    """The memory in the file at `path`; with None, it lasts as long as the process.

    What is asked for by an endpoint's and a model's name together: another endpoint may count
    another way.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._entries: dict[str, Mapping[str, object]] | None = None

    def calibration(self, name: str) -> Calibration:
        return Calibration.from_dict(self._entry(name))

    def window(self, name: str) -> int | None:
        """Return the context window that the endpoint has stated, in tokens, if it has."""
        match self._entry(name).get("window"):
            case bool():
                return None
            case int(window) if 0 < window < _MOST_TOKENS:
                return window
            case _:
                return None

    def refused(self, name: str) -> tuple[str, ...]:
        """Return the parameters that the model has said it does not take, in its words."""
        match self._entry(name).get("refused"):
            case list(words):
                return tuple(word for word in words if isinstance(word, str))
            case _:
                return ()

    def learn(self, name: str, what: Mapping[str, object]) -> None:
        """Take note of a calibration (`as_dict`), of a `window`, or of what is `refused`."""
        if self._path is not None:
            # Another chatcli may have learned something meanwhile.
            self._entries = None
        entries = self._known()
        entries[name] = {**entries.pop(name, {}), **what}
        for oldest in list(entries)[:-MAX_ENTRIES]:
            del entries[oldest]
        if self._path is not None:
            with suppress(StorageError):
                files.make_folder(self._path.parent)
                files.replace_file(self._path, json.dumps(entries, indent=1).encode())

    def _entry(self, name: str) -> Mapping[str, object]:
        return self._known().get(name, {})

    def _known(self) -> dict[str, Mapping[str, object]]:
        if self._entries is None:
            self._entries = _read(self._path) if self._path else {}
        return self._entries


def _read(path: Path) -> dict[str, Mapping[str, object]]:
    try:
        stored = strict_json(files.read_bytes(path, MAX_BYTES))
    except (StorageError, ValueError):
        return {}
    found = stored.items() if isinstance(stored, dict) else ()
    return {name: entry for name, entry in found if isinstance(entry, dict)}
