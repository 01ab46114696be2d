"""What this chatcli was installed with, and how an extra is added to it.

An extra is told by the package that it brings. `chatcli[local]` would be a name in a package index,
and what goes by it there need not be this program.
"""

from __future__ import annotations

import os
import shlex
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

_PACKAGES: Final = {"local": "xllamacpp", "pdf": "pypdf", "socks": "socksio"}
"""What each extra brings; the module that it holds has the same name."""


def installed(extra: str) -> bool:
    """Tell whether what an extra brings is there. Cheap: nothing is imported."""
    return find_spec(_PACKAGES[extra]) is not None


def install_line(extra: str, prefix: Path | None = None) -> str:
    """Return the command that adds an extra to the chatcli whose environment is at `prefix`.

    pipx and uv keep each program in an environment of its own, which pip does not reach; one that
    `uv venv` has made has no pip in it.
    """
    prefix = Path(sys.prefix) if prefix is None else prefix
    package = _PACKAGES[extra]
    parents = prefix.parts[:-1]
    if "pipx" in parents:
        return f"pipx inject chatcli {package}"
    if parents[-2:] == ("uv", "tools"):
        return f"uv pip install --python {_quoted(str(prefix))} {package}"
    installer = "uv pip" if _made_by_uv(prefix) else "python -m pip"
    return f"{installer} install {package}"


def _quoted(text: str) -> str:
    return shlex.quote(text) if os.name != "nt" else f'"{text}"'


def _made_by_uv(prefix: Path) -> bool:
    try:
        lines = (prefix / "pyvenv.cfg").read_text("utf-8", "replace").splitlines()
    except OSError:
        return False
    return any(line.partition("=")[0].strip() == "uv" for line in lines)
