"""Events are read from a body in whatever pieces it comes."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatcli.errors import BadReply
from chatcli.providers import sse
from chatcli.providers.sse import events, lines

PIECES = st.lists(st.text("ab\r\n", max_size=4).map(str.encode))


@settings(deadline=None)
@given(PIECES)
def test_a_line_ends_where_the_standard_says_however_it_is_cut(pieces: list[bytes]) -> None:
    wanted = re.split(rb"\r\n|\r|\n", b"".join(pieces))
    if not wanted[-1]:
        wanted.pop()
    assert list(lines(pieces)) == wanted


@pytest.mark.parametrize(
    ("body", "read"),
    [
        (b"data: 1\n\ndata: 2\n\n", [b"1", b"2"]),
        (b"\xef\xbb\xbfdata: 1\n\n", [b"1"]),
        (b": hush\nevent: x\ndata:1\ndata: 2\n\n", [b"1\n2"]),
        (b"data: {}\n\ndata: [DONE]", [b"{}", b"[DONE]"]),
        (b'data: {"a": 1}', [b'{"a": 1}']),
        (b'data: {"a": ', []),
        (b"retry: 5\n\n", []),
        (b"", []),
    ],
)
def test_an_event_is_its_data(body: bytes, read: list[bytes]) -> None:
    for size in (1, 3, 1_000):
        cut: Iterable[bytes] = [body[at : at + size] for at in range(0, len(body), size)]
        assert list(events(cut)) == read


@pytest.mark.parametrize("piece", [b"x" * 1_000, b"data: x\n", b"data:\n"])
def test_an_event_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch, piece: bytes) -> None:
    monkeypatch.setattr(sse, "MOST_AT_ONCE", 10_000)
    with pytest.raises(BadReply, match="more than any reply has"):
        list(events(piece for _ in range(5_000)))
