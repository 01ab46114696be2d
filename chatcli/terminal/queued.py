"""Lines that wait for a reply to end, and the message that the line being typed is to replace."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from chatcli.conversation.events import Notice
from chatcli.conversation.messages import Node
from chatcli.terminal.running import Line


class Queued:
    """What was sent while a reply was under way, in order.

    `put` puts a text into the input line and tells whether it could: what is typed there stays.
    `editing` is the message that the line in there takes the place of.
    """

    def __init__(self, put: Callable[[str], bool]) -> None:
        self.editing: Node | None = None
        self._put = put
        self._lines: deque[Line] = deque()

    @property
    def lines(self) -> Sequence[Line]:
        return self._lines

    def sent(self, text: str) -> Line:
        """Return what was sent from the input line; from here on nothing is edited there."""
        line, self.editing = Line(text, self.editing), None
        return line

    def add(self, line: Line) -> None:
        self._lines.append(line)

    def next(self) -> Line | None:
        """Take the line that has waited longest; None where none waits."""
        return self._lines.popleft() if self._lines else None

    def put_back(self, line: Line) -> bool:
        """Put a line where the user can go on with it; False where something else is typed."""
        if not self._put(line.text):
            return False
        self.editing = line.edits
        return True

    def recall(self) -> bool:
        """Put the line that was sent last back into the input line; False where none waits."""
        if not self._lines or not self.put_back(self._lines[-1]):
            return False
        self._lines.pop()
        return True

    def give_back(self) -> Notice | None:
        """Have nothing wait any more, and return what there is to say of that.

        One line comes back into the input line. More, or one for which there is no room, are in the
        history, as all that was sent.
        """
        lines = list(self._lines)
        self._lines.clear()
        if not lines or (len(lines) == 1 and self.put_back(lines[0])):
            return None
        if len(lines) == 1:
            return Notice("a line was not sent", "Up brings it back", "warning")
        return Notice(f"{len(lines)} lines were not sent", "Up brings them back", "warning")
