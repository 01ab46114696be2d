"""chatcli: the terminal chatbot for people who think in conversations.

`Session` is the same engine for scripts and notebooks; what its `stream` yields and what it raises
stand beside it. Each is imported when it is first asked for, so that `import chatcli` costs next
to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatcli.api import Session
    from chatcli.conversation.events import (
        Event,
        Notice,
        ReasoningDelta,
        TextDelta,
        TurnFinished,
    )
    from chatcli.errors import (
        BudgetError,
        ChatcliError,
        ProviderError,
        StorageError,
        UsageError,
    )

__all__ = [
    "BudgetError",
    "ChatcliError",
    "Event",
    "Notice",
    "ProviderError",
    "ReasoningDelta",
    "Session",
    "StorageError",
    "TextDelta",
    "TurnFinished",
    "UsageError",
    "__version__",
]

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    rooms = ("api",) if name == "Session" else ("errors", "conversation.events")
    modules = (import_module(f"chatcli.{room}") for room in rooms)
    return next(getattr(module, name) for module in modules if hasattr(module, name))


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
