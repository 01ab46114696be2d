"""Small JSON files of ours in the cache: nobody's work, and written in one step."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import NamedTemporaryFile


def read_json(path: Path, most: int) -> object:
    """Return what is in a file of at most `most` bytes, None where that can't be read as JSON."""
    try:
        with path.open("rb") as file:
            stored: object = json.loads(file.read(most))
    except (OSError, ValueError, RecursionError):
        return None
    return stored


def write_json(path: Path, value: object) -> None:
    """Put a file in its place, for the user alone, with all of it or as it was. Raises OSError."""
    with NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as spare:
        try:
            json.dump(value, spare)
            spare.close()
            Path(spare.name).replace(path)
        except BaseException:
            Path(spare.name).unlink(missing_ok=True)
            raise
