"""The terminal that an application runs on is asked what it is, and nobody else gets its answers.

A Windows console is not asked: there are no keys of this kind, and all of this does nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from prompt_toolkit.application import Application

from chatcli.terminal.answers import Question, Told

if TYPE_CHECKING:
    from chatcli.terminal.listening import ListeningInput


def listening() -> ListeningInput | None:
    """Return the keys of the terminal that is stdin; a Windows console has others."""
    if sys.platform == "win32":
        return None
    from chatcli.terminal.listening import ListeningInput

    return ListeningInput(sys.stdin)


def ask(
    app: Application[None], keys: ListeningInput | None, questions: Mapping[Question, Told]
) -> None:
    """Have the terminal asked once the first prompt stands; each is told its answer, or never."""
    if keys is None or not questions:
        return

    def ask_now(_app: object) -> None:
        app.after_render -= ask_now
        keys.ask(questions, app.output)

    app.after_render += ask_now


async def run(
    app: Application[None], keys: ListeningInput | None, begin: Callable[[], None]
) -> None:
    """Run until the user leaves; no answer is left to whoever reads the terminal next."""
    if keys is None:
        await app.run_async(pre_run=begin)
        return
    # Between this mode's end and that of the application's own, an answer would be echoed.
    with keys.raw_mode():
        try:
            await app.run_async(pre_run=begin)
        finally:
            await keys.swallow()
