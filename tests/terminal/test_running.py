"""What runs in threads comes to the screen in order, and never more of it than is drawn at once."""

from __future__ import annotations

from collections.abc import Iterator

from chatcli.conversation.events import Event, Notice, TextDelta
from chatcli.terminal.running import MOST_IN_A_DELTA, Done, Line, Runner


def ran(*events: Event) -> Runner:
    """Return a runner whose turn is over, with nothing taken from it yet."""
    runner = Runner()
    runner.turn(lambda: iter(events), Line("go"))
    runner.wait(10)
    return runner


def test_what_takes_longer_to_draw_than_there_is_time_is_taken_bit_by_bit() -> None:
    events = [Notice("one"), Notice("two"), Notice("three")]
    runner = ran(*events)
    taken: list[Event | Done] = []
    while runner.busy:
        runner.changed.clear()
        bit = list(runner.take(0))
        assert len(bit) == 1
        taken += bit
        assert runner.changed.is_set() == runner.busy, "somebody must come for the rest"
    assert taken == [*events, Done(turn=True)]


def test_without_an_end_to_the_time_all_is_taken() -> None:
    runner = ran(Notice("one"), Notice("two"))
    assert list(runner.take()) == [Notice("one"), Notice("two"), Done(turn=True)]
    assert not runner.changed.is_set()


def test_a_reply_that_comes_all_at_once_is_drawn_in_parts() -> None:
    reply = "".join(f"line {number}\n" for number in range(1000))
    *parts, _ = ran(TextDelta(reply)).take()
    assert "".join(texts(parts)) == reply
    assert max(map(len, texts(parts))) <= MOST_IN_A_DELTA


def texts(events: list[Event | Done]) -> Iterator[str]:
    return (event.text for event in events if isinstance(event, TextDelta))
