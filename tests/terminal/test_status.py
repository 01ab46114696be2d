"""The line above the input line, in a window that is too narrow for all of it."""

from __future__ import annotations

from chatcli.conversation.events import Retrying
from chatcli.conversation.exchange import Pause
from chatcli.terminal.running import Line
from chatcli.terminal.status import sending_again, working
from chatcli.terminal.theme import UNICODE


def test_that_a_line_waits_is_seen_while_a_request_is_about_to_be_sent_again() -> None:
    pause = Pause(Retrying("the server failed (503): Busy", 9.0, 1, 4), until=0.0)
    shown = working(1.0, sending_again(pause), [Line("What is next?", None)], UNICODE)
    assert "1 waiting" in shown[:40]
    assert "sending again in 0 s" in shown[:40]


def test_what_waits_is_told_where_there_is_nothing_else_to_tell() -> None:
    lines = [Line("What is next?", None), Line("And then?", None)]
    assert working(1.0, "", lines, UNICODE).endswith("2 waiting: What is next?")
