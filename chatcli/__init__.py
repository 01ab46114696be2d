"""chatcli: the terminal chatbot for people who think in conversations.

`Session` is the same engine for scripts and notebooks. It is imported when it is first asked for,
so that `import chatcli` costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatcli.api import Session

__all__ = ["Session", "__version__"]

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    if name == "Session":
        from chatcli.api import Session

        return Session
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
