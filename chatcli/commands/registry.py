"""What a slash-command is, and how a line that was typed becomes one.

A command is a function whose name is the command's and whose docstring is its help: the first
line for the list, the rest for `/help NAME`. It takes the chat and the words after its name, and
yields events. The decorator `command` makes it one; a `Registry` is built from the modules that
hold them, so there is nothing to keep in step.
"""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from chatcli.conversation.events import Event
from chatcli.conversation.messages import Message
from chatcli.conversation.session import Session
from chatcli.errors import UsageError
from chatcli.parameters import Parameter, Sampled

if TYPE_CHECKING:
    from chatcli.personas import Persona
    from chatcli.providers.prices import Place
    from chatcli.recall import Recall
    from chatcli.storage.attachments import Attachment
    from chatcli.storage.search import Found

GROUPS: Final = ("session", "conversation", "context", "voice", "tools")


@dataclass(frozen=True, slots=True)
class Choice:
    """Something that can be named in a command: a session, a branch, a persona, a model."""

    name: str
    about: str = ""
    here: bool = False


class Choices(Protocol):
    """What there is to choose from by name."""

    def sessions(self) -> list[Choice]:
        """The stored sessions, newest first."""

    def personas(self) -> list[Choice]: ...

    def profiles(self) -> list[Choice]:
        """The profiles: where each asks, or which model it names."""

    def models(self) -> list[Choice]:
        """The models of all profiles, as PROFILE:MODEL, that are known without asking anybody."""

    def models_at(self, profile: str) -> list[Choice]:
        """The models that a profile's endpoint lists, as far as that can be told at once."""


class Chat(Protocol):
    """What commands act on: the session that is open, and all that can take its place."""

    @property
    def session(self) -> Session: ...

    @property
    def commands(self) -> Registry: ...

    @property
    def persona(self) -> str | None: ...

    @property
    def who(self) -> Persona | None:
        """The persona that answers."""

    @property
    def recall(self) -> Recall:
        """What is remembered beyond this conversation."""

    @property
    def place(self) -> str:
        """Where the session is kept, in words."""

    @property
    def choices(self) -> Choices: ...

    @property
    def window(self) -> int | None:
        """The context window of the model in tokens, None where it is not known."""

    def request(self, messages: Sequence[Message]) -> dict[str, object]:
        """Return the body of the request that would send these messages, as it leaves."""

    def asked_at(self, profile: str) -> Place | None:
        """Return where a profile's models are asked, None where there is no such profile."""

    @property
    def going_along(self) -> list[Attachment]:
        """The files that go along with the next message; commands add to it and take away."""

    def going_with(self, draft: str) -> list[Attachment]:
        """Return the files that would go along with a draft: those that it names, and the others.

        Of one that is as it was, nothing is read again.
        """

    def to_clipboard(self, text: str) -> str | None:
        """Hand a text to a program that has the clipboard, and return its name.

        None where there is no such program, or where it did not take the text.
        """

    def wait_for_counting(self) -> None:
        """Return when tokens are counted as exactly as they can be."""

    def search(self, text: str, most: int) -> Found:
        """Look for words in all stored sessions. Raises UsageError."""

    def save_as(self, name: str) -> Iterator[Event]: ...

    def open_session(self, target: str) -> Iterator[Event]: ...

    def new_session(self) -> Iterator[Event]: ...

    def use_persona(self, name: str) -> Iterator[Event]: ...

    def use_model(self, spec: str) -> Iterator[Event]: ...

    def sampling(self) -> list[Sampled]:
        """Return how the next reply is sampled, parameter by parameter."""

    def sample(self, name: str, value: Parameter | None) -> Iterator[Event]:
        """Choose a parameter from here on; None takes back what was chosen."""


Handler: TypeAlias = Callable[[Chat, str], Iterator[Event]]
Completer: TypeAlias = Callable[[Chat], Iterable[Choice]]
"""Offers what an argument can be."""

Follower: TypeAlias = Callable[[Chat, str], Iterable[Choice]]
"""Offers what can follow an argument's first word: a value its key, a model its profile.

It is given that word, without the space or colon after it; what it offers is without it too.
"""


@dataclass(frozen=True, slots=True)
class Command:
    """A slash-command: `usage` is the line that shows its arguments."""

    name: str
    group: str
    usage: str
    summary: str
    details: str
    run: Handler
    complete: Completer | None = None
    follow: Follower | None = None


def command(
    group: str,
    arguments: str = "",
    complete: Completer | None = None,
    follow: Follower | None = None,
) -> Callable[[Handler], Command]:
    """Make a command of a function.

    `complete` offers what its argument can be, `follow` what can come after the first word of it.
    """

    def make(run: Handler) -> Command:
        name = run.__name__.removesuffix("_")
        summary, _, details = inspect.cleandoc(run.__doc__ or "").partition("\n")
        usage = f"/{name} {arguments}".rstrip()
        return Command(name, group, usage, summary, details.strip(), run, complete, follow)

    return make


@dataclass(frozen=True, slots=True)
class Say:
    """The line is a message."""

    text: str


@dataclass(frozen=True, slots=True)
class Run:
    """The line is a command with the rest of the line for its arguments."""

    command: Command
    arguments: str


class Registry(Mapping[str, Command]):
    """All commands by name, in the order of their groups."""

    def __init__(self, modules: Iterable[ModuleType]) -> None:
        found = [
            value
            for module in modules
            for value in vars(module).values()
            if isinstance(value, Command)
        ]
        found.sort(key=lambda each: GROUPS.index(each.group))
        self._commands = {each.name: each for each in found}

    def __getitem__(self, name: str) -> Command:
        return self._commands[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._commands)

    def __len__(self) -> int:
        return len(self._commands)

    def interpret(self, line: str) -> Say | Run:
        """Tell what the user means by a line. Raises UsageError for a command that is none.

        `//text` says `/text`; a slash before anything but a word, as in `/usr/bin`, is text too.
        """
        if line.strip() in {"exit", "quit"}:
            return Run(self["exit"], "")
        if line.startswith("//"):
            return Say(line[1:])
        match = re.match(r"/([a-z]+)(?:\s+(.*))?$", line.strip(), re.DOTALL)
        if match is None:
            return Say(line)
        name, arguments = match[1], (match[2] or "").strip()
        return Run(self.named(name), arguments)

    def named(self, name: str) -> Command:
        """Return the command of that name, or raise UsageError with the nearest one."""
        name = name.removeprefix("/")
        if name in self:
            return self[name]
        near = difflib.get_close_matches(name, self, n=1, cutoff=0.5)
        meant = f"did you mean /{near[0]}? " if near else "/help lists all; "
        raise UsageError(f"there is no command /{name}", f"{meant}//{name} sends it as a message")


def whole_number(text: str, default: int, what: str) -> int:
    """Return the number that a command was given, of at least 1. Raises UsageError."""
    if not text:
        return default
    if not text.isdecimal() or len(text) > 9 or int(text) < 1:
        raise UsageError(f"{what} must be a number from 1 on, not `{text}`")
    return int(text)
