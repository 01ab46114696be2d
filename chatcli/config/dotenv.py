"""`./.env`: data from a folder that may be anybody's."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from chatcli.errors import UsageError

MOST_BYTES: Final = 256 * 1024


def read_dotenv(path: Path, names: Iterable[str]) -> dict[str, str]:
    """Return what a .env file sets of these names; no other is read. Raises UsageError."""
    try:
        if not path.is_file():
            return {}
        if path.stat().st_size > MOST_BYTES:
            raise UsageError(f"{path} is too large for a .env file", "make it smaller")
        from dotenv import dotenv_values

        # Without interpolation: "${SECRET}" in a stranger's file must not reach the environment.
        values = dotenv_values(path, interpolate=False, encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} can't be read: {error}", "mend it or remove it") from error
    return {name: value for name in names if (value := values.get(name))}
