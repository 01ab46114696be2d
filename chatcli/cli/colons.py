"""Completion in bash of words that have a colon in them, as `--model ollama:llama3.2` has.

bash takes such a word apart before it asks what could stand there, and puts what it is offered
behind the last colon (COMP_WORDBREAKS in its manual). Whoever offers wants to know the whole word.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from io import StringIO


@contextmanager
def whole_words() -> Iterator[None]:
    """Have whoever offers see whole words, and bash get of them what it lacks."""
    words = os.environ.get("COMP_WORDS", "").split("\n")
    at = os.environ.get("COMP_CWORD", "")
    if os.environ.get("_CHATCLI_COMPLETE") != "complete_bash" or not at.isdecimal():
        yield
        return
    together, here = put_together(words, int(at))
    os.environ.update(COMP_WORDS="\n".join(together), COMP_CWORD=str(here))
    word = together[here] if here < len(together) else ""
    known = word.rpartition(":")[0] + ":" if len(together) < len(words) and ":" in word else ""
    offered = StringIO()
    try:
        with redirect_stdout(offered):
            yield
    finally:
        for line in offered.getvalue().splitlines():
            print(line.removeprefix(known), file=sys.stdout)


def put_together(words: Sequence[str], at: int) -> tuple[list[str], int]:
    """Return the words as they were typed, and which of them is the one at `at`."""
    whole: list[str] = []
    here, glued = at, False
    for number, word in enumerate(words):
        colons = bool(word) and set(word) == {":"}
        if whole and (colons or glued):
            whole[-1] += word
        else:
            whole.append(word)
        if number == at:
            here = len(whole) - 1
        glued = colons
    return whole, here
