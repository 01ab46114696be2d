"""What is configured, from where, and whether it works: checks that yield what they find.

The order is from what everything rests on to what may take its time: the machine, the files, the
models. Nothing is changed by it but that each model is asked for one token.
"""

from __future__ import annotations

from collections.abc import Iterator

from chatcli.doctor import disk, machine, models, setup
from chatcli.doctor.finding import Finding
from chatcli.doctor.machine import Terminal
from chatcli.settings import Settings

__all__ = ["Finding", "Terminal", "examine"]


def examine(
    settings: Settings, terminal: Terminal, version: str, *, offline: bool
) -> Iterator[Finding]:
    """Look at everything, and yield each thing as it is known.

    `settings` are those that were loaded leniently, `version` is that of chatcli. `offline` asks no
    model that is elsewhere.
    """
    yield machine.program(version)
    yield from machine.terminal(terminal)
    yield from disk.folders(settings)
    yield from setup.configuration(settings)
    yield from setup.personas(settings)
    yield from disk.sessions(settings)
    yield from machine.tokenizers()
    yield from models.local(settings)
    yield from models.profiles(settings, offline=offline)
