"""What the Tab key offers: commands, what can stand after them, and files after an `@`.

It runs in a thread, beside the keys. What a command's argument can be is asked for once and kept
for as long as one goes on typing it, so that many sessions don't cost their listing for each key.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from chatcli.commands.registry import Chat, Choice, Command
from chatcli.terminal.matching import matching
from chatcli.terminal.paths import (
    Wanted,
    attachable,
    files_like,
    no_file,
    persona_file,
    session_file,
)
from chatcli.terminal.sanitize import clean_line

KEPT_FOR: Final = 5.0
"""Seconds for which what can be chosen is not asked for again."""

TAKE_A_PATH: Final[Mapping[str, Wanted]] = {
    "file": attachable,
    "load": session_file,
    "export": no_file,
    "persona": persona_file,
}
"""Commands whose argument can be a path, and which files they want."""

_COMMAND: Final = re.compile(r"/([a-z]*)(?:( +)(.*))?\Z")
_FOLLOWING: Final = re.compile(r"([^\s:]+)(?:\s+|:)(.*)", re.DOTALL)
_MENTION: Final = re.compile(r'(?:^|(?<=\s))@(?:"(?P<quoted>[^"\n]*)|(?P<plain>[^\s"]*))$')


@dataclass(frozen=True, slots=True)
class _Kept:
    of: tuple[str, str]
    choices: list[Choice]
    until: float


def offers_by_itself(document: Document) -> bool:
    """Tell whether completions come while one types here, without the Tab key."""
    before = document.text_before_cursor
    return _is_command(before) or _MENTION.search(document.current_line_before_cursor) is not None


def _is_command(line: str) -> bool:
    return line.startswith("/") and _COMMAND.match(line) is not None


class CommandCompleter(Completer):
    """Completes commands and their arguments, and paths after an `@` at a word's start."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self._kept = _Kept(("", ""), [], 0.0)

    def get_completions(
        self,
        document: Document,
        complete_event: CompleteEvent,  # noqa: ARG002 - the signature is prompt_toolkit's
    ) -> Iterator[Completion]:
        command = _COMMAND.match(document.text_before_cursor)
        if command is not None and (command[2] is None or command[1] in self._chat.commands):
            yield from self._of_command(command[1], command[3] if command[2] else None)
        elif (mention := _MENTION.search(document.current_line_before_cursor)) is not None:
            yield from _mentions(mention)

    def _of_command(self, name: str, argument: str | None) -> Iterator[Completion]:
        commands = self._chat.commands
        if argument is None:
            choices = [Choice(each.name, each.summary) for each in commands.values()]
            yield from _offers(matching(choices, name), name)
            return
        following = self._following(commands[name], argument)
        if following is not None:
            yield from _offers(*following)
            return
        choices = [] if "/" in argument else matching(self._choices(commands[name]), argument)
        if not choices and name in TAKE_A_PATH:
            choices = files_like(argument, TAKE_A_PATH[name])
        yield from _offers(choices, argument)

    def _following(self, command: Command, argument: str) -> tuple[list[Choice], str] | None:
        """Return what can follow the argument's first word, and what is typed of it already.

        None where that word is not whole yet, or nothing is known to follow it.
        """
        parts = _FOLLOWING.match(argument)
        if command.follow is None or parts is None:
            return None
        follow, first, rest = command.follow, parts[1], parts[2]
        known = self._once((command.name, first), lambda: follow(self._chat, first))
        return (matching(known, rest), rest) if known else None

    def _choices(self, command: Command) -> list[Choice]:
        complete = command.complete
        if complete is None:
            return []
        return self._once((command.name, ""), lambda: complete(self._chat))

    def _once(self, of: tuple[str, str], ask: Callable[[], Iterable[Choice]]) -> list[Choice]:
        """Return what there is to choose from, asked for again only after a while."""
        kept = self._kept
        if kept.of != of or time.monotonic() > kept.until:
            kept = self._kept = _Kept(of, list(ask()), time.monotonic() + KEPT_FOR)
        return kept.choices


def _offers(choices: Iterable[Choice], typed: str) -> Iterator[Completion]:
    for choice in choices:
        yield _offer(choice, choice.name, typed)


def _mentions(mention: re.Match[str]) -> Iterator[Completion]:
    """Offer files; one with a space in its path is put between quotation marks."""
    quoted = mention["quoted"]
    typed = mention["plain"] if quoted is None else quoted
    for choice in files_like(typed, attachable):
        if '"' in choice.name:
            continue
        text = choice.name
        if quoted is not None or re.search(r"\s", text):
            text = f'"{text}' if text.endswith("/") else f'"{text}"'
        yield _offer(choice, text, typed if quoted is None else f'"{typed}')


def _offer(choice: Choice, text: str, typed: str) -> Completion:
    return Completion(
        text,
        start_position=-len(typed),
        display=clean_line(choice.name),
        display_meta=clean_line(choice.about),
    )
