"""What the Tab key offers: commands, and what can stand after them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from chatcli.commands.registry import Chat, Choice
from chatcli.terminal.sanitize import clean_line


class CommandCompleter(Completer):
    """Completes a line that begins with a slash; anything else is a message and left alone."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat

    def get_completions(
        self,
        document: Document,
        complete_event: CompleteEvent,  # noqa: ARG002 - the signature is prompt_toolkit's
    ) -> Iterator[Completion]:
        line = document.text_before_cursor
        if not line.startswith("/") or "\n" in line:
            return
        name, space, argument = line[1:].partition(" ")
        commands = self._chat.commands
        if not space:
            choices = [Choice(each.name, each.summary) for each in commands.values()]
            yield from _offers(choices, name)
        elif name in commands and (complete := commands[name].complete) is not None:
            yield from _offers(complete(self._chat), argument)


def _offers(choices: Iterable[Choice], typed: str) -> Iterator[Completion]:
    for choice in matching(choices, typed):
        yield Completion(
            choice.name,
            start_position=-len(typed),
            display=clean_line(choice.name),
            display_meta=clean_line(choice.about),
        )


def matching(choices: Iterable[Choice], typed: str) -> list[Choice]:
    """Return the choices that `typed` may mean, the likeliest first.

    A choice matches when it holds the typed letters in their order.
    """
    wanted = typed.casefold()
    ranked = [
        (rank, index, choice)
        for index, choice in enumerate(choices)
        if (rank := _rank(choice.name.casefold(), wanted)) is not None
    ]
    ranked.sort(key=lambda each: each[:2])
    return [choice for _, _, choice in ranked]


def _rank(name: str, wanted: str) -> float | None:
    if name.startswith(wanted):
        return 0.0
    if wanted in name:
        return 1.0
    letters = iter(name)
    if all(letter in letters for letter in wanted):
        return 3.0 - difflib.SequenceMatcher(None, name, wanted).ratio()
    return None
