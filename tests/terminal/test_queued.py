"""Lines that wait: in order, back where they came from, and with the message that they replace."""

from __future__ import annotations

from chatcli.conversation.messages import Message, Node
from chatcli.terminal.queued import Queued
from chatcli.terminal.running import Line

EDITED = Node("a1", None, Message("user", "what was said"), "")


class InputLine:
    """An input line that takes a text only while it is empty."""

    def __init__(self, text: str = "") -> None:
        self.text = text

    def put(self, text: str) -> bool:
        if self.text:
            return False
        self.text = text
        return True


def queued(line: InputLine, *texts: str) -> Queued:
    waiting = Queued(line.put)
    for text in texts:
        waiting.add(waiting.sent(text))
    return waiting


def told(waiting: Queued) -> str:
    notice = waiting.give_back()
    return f"{notice.text}; {notice.hint}" if notice else ""


def test_the_line_that_has_waited_longest_comes_next() -> None:
    waiting = queued(InputLine(), "one", "two")
    assert (waiting.next(), waiting.next(), waiting.next()) == (Line("one"), Line("two"), None)


def test_the_line_that_was_sent_last_is_recalled_unless_something_is_typed() -> None:
    line = InputLine("typed")
    waiting = queued(line, "one", "two")
    assert not waiting.recall()
    line.text = ""
    assert waiting.recall()
    assert (line.text, list(waiting.lines)) == ("two", [Line("one")])


def test_what_is_edited_is_replaced_by_the_line_that_is_sent_next_and_by_no_other() -> None:
    line = InputLine()
    waiting = queued(line)
    waiting.put_back(Line("what was said", EDITED))
    waiting.add(waiting.sent("said better"))
    assert waiting.sent("another") == Line("another")
    line.text = ""
    waiting.recall()
    assert waiting.sent(line.text) == Line("said better", EDITED)


def test_one_line_that_is_given_back_is_told_of_as_one_and_several_as_several() -> None:
    assert told(queued(InputLine(), "one")) == ""
    assert told(queued(InputLine("typed"), "one")) == "a line was not sent; Up brings it back"
    several = queued(InputLine(), "one", "two")
    assert told(several) == "2 lines were not sent; Up brings them back"
    assert not several.lines
