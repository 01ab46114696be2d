"""What this chatcli was installed with, and how an extra is added to it."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

_QUOTE: Final = '"' if os.name == "nt" else "'"
_MODULES: Final = {"local": "xllamacpp"}


def installed(extra: str) -> bool:
    """Tell whether what an extra brings is there. Cheap: nothing is imported."""
    return find_spec(_MODULES[extra]) is not None


def install_line(extra: str, prefix: Path | None = None) -> str:
    """Return the command that adds an extra to the chatcli whose environment is at `prefix`.

    pipx and uv keep each program in an environment of its own, which pip does not reach; one that
    `uv venv` has made has no pip in it.
    """
    prefix = Path(sys.prefix) if prefix is None else prefix
    what = f"{_QUOTE}chatcli[{extra}]{_QUOTE}"
    parents = prefix.parts[:-1]
    if "pipx" in parents:
        return f"pipx install --force {what}"
    if parents[-2:] == ("uv", "tools"):
        return f"uv tool install {what}"
    return f"uv pip install {what}" if _made_by_uv(prefix) else f"python -m pip install {what}"


def _made_by_uv(prefix: Path) -> bool:
    try:
        lines = (prefix / "pyvenv.cfg").read_text("utf-8", "replace").splitlines()
    except OSError:
        return False
    return any(line.partition("=")[0].strip() == "uv" for line in lines)
