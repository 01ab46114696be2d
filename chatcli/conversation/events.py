"""What a turn or a command tells the face that shows it.

Everything that a user can trigger is a generator of these values; `terminal/render.py` draws them
with one `match`. Their texts are raw: whoever draws them makes them safe first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from chatcli.conversation.messages import Node, Usage


@dataclass(frozen=True, slots=True)
class TextDelta:
    """The next piece of the reply."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """The next piece of what the model thinks aloud; never part of the history."""

    text: str


@dataclass(frozen=True, slots=True)
class TurnStarted:
    """The question is stored and on its way."""

    question: Node


@dataclass(frozen=True, slots=True)
class Retrying:
    """The request failed and is sent again after `delay` seconds; nothing had arrived yet."""

    reason: str
    delay: float
    attempt: int
    attempts: int


@dataclass(frozen=True, slots=True)
class TurnFinished:
    """The reply is complete and stored.

    `reply` is None when nothing came. `seconds` counts from the request to the end,
    `first_token` to the first piece of text.
    """

    reply: Node | None
    finish: str
    usage: Usage | None = None
    seconds: float = 0.0
    first_token: float | None = None


Level: TypeAlias = Literal["info", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Notice:
    """One line of ours: what happened, and what to do next."""

    text: str
    hint: str = ""
    level: Level = "info"


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table; `mark` sets it off as `here` (where you are) or `dim` (not in force)."""

    cells: tuple[str, ...]
    mark: Literal["here", "dim"] | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under the names of their columns, if it is to be `headed`.

    Columns named in `numeric` are numbers and align right; cells of those in `cropped` stay on one
    line, and end in an ellipsis where there is no room for more.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    numeric: frozenset[str] = frozenset()
    cropped: frozenset[str] = frozenset()
    caption: str = ""
    headed: bool = True


@dataclass(frozen=True, slots=True)
class Outline:
    """A drawing made of lines, none longer than the screen is wide.

    The first and the last cell of a row stay whole, those between are cropped to what is left.
    """

    lines: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a gauge, in the gauge's unit; `letter` stands for its name in the bar.

    `room` is what nothing has taken yet: `free`, or `kept` for something else.
    """

    name: str
    letter: str
    size: int
    room: Literal["free", "kept"] | None = None


@dataclass(frozen=True, slots=True)
class Gauge:
    """How full something is, and of what: a bar of its parts, in their order.

    A part has the colour of its place, so parts of size 0, which are not drawn, keep the others'.
    """

    parts: tuple[Share, ...]


@dataclass(frozen=True, slots=True)
class Json:
    """A value to be shown as the JSON that it is, for copying."""

    value: object


@dataclass(frozen=True, slots=True)
class Entry:
    """A message of the transcript under the number by which commands name it.

    `mark` says how it is marked, in a word or three: pinned, muted, in the summary.
    """

    number: int
    node: Node
    mark: str = ""


def numbered(path: Iterable[Node], marks: Mapping[Node, str] | None = None) -> tuple[Entry, ...]:
    """Return what was said on a path under its numbers: system prompts are not counted.

    `marks` says how some of it is marked.
    """
    said = (node for node in path if node.role != "system")
    known = marks or {}
    return tuple(Entry(number, node, known.get(node, "")) for number, node in enumerate(said, 1))


@dataclass(frozen=True, slots=True)
class Transcript:
    """Messages to read again; `skipped` earlier ones are not shown."""

    entries: tuple[Entry, ...]
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class Document:
    """A text of ours in Markdown."""

    markdown: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A text for the user to go on editing in the input line.

    Sending it takes the place of the message `edits`, where there is one. `in_editor` says that the
    user wants to write it in an editor first.
    """

    text: str
    edits: Node | None = None
    in_editor: bool = False


@dataclass(frozen=True, slots=True)
class ToClipboard:
    """A text for the terminal's own clipboard; `what` says in words what it is."""

    text: str
    what: str


@dataclass(frozen=True, slots=True)
class Preference:
    """How the user wants things shown from here on; None asks how they are."""

    key: Literal["theme", "reasoning"]
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Leave:
    """The user wants to go."""


Event: TypeAlias = (
    TextDelta
    | ReasoningDelta
    | TurnStarted
    | Retrying
    | TurnFinished
    | Notice
    | Table
    | Outline
    | Gauge
    | Json
    | Transcript
    | Document
    | Draft
    | ToClipboard
    | Preference
    | Leave
)
