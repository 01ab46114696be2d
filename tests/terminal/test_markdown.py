"""Replies laid out while they stream: the same text as when they are laid out at once."""

from __future__ import annotations

import random
import re
import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from chatcli.terminal.markdown import MarkdownStream, render
from tests.terminal.corpus import DOCUMENTS

WIDTHS = (40, 80, 200)
SGR = re.compile(r"\x1b\[[0-9;]*m")


def streamed(
    document: str, cuts: list[int], width: int, *, color: bool = True, looked_at: bool = True
) -> str:
    """Stream a document in pieces; what is open is looked at after each, or never."""
    stream = MarkdownStream(width, color=color)
    edges = [0, *sorted(cuts), len(document)]
    final = []
    for start, end in pairwise(edges):
        final.append(stream.feed(document[start:end]))
        assert not looked_at or stream.open_lines(5).count("\n") < 5
    return "".join([*final, stream.finish()])


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("document", DOCUMENTS)
def test_any_cut_gives_what_the_whole_gives(document: str, width: int) -> None:
    dice = random.Random(len(document) * width)
    whole = render(document, width)
    for number in range(6):
        cuts = [dice.randint(0, len(document)) for _ in range(dice.randint(0, 40))]
        # Looking costs the most by far, and is done below after each character.
        assert streamed(document, cuts, width, looked_at=number == 0) == whole
    assert streamed(document, list(range(len(document))), width) == whole


def test_the_corpus_is_large() -> None:
    assert len(set(DOCUMENTS)) >= 60


def test_a_reference_link_shows_where_it_leads_as_soon_as_that_is_known() -> None:
    document = "[early][r]\n\n[r]: https://e.com/ref\n\n[late][r], and [late][R] again"
    early, definition, late = render(document, 80, color=False).split("\n\n")
    assert early == "[early][r]"
    assert "https://e.com/ref" in definition
    assert late.strip() == "late (https://e.com/ref), and late (https://e.com/ref) again"


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="ab \n#*_`~>-+|:=[]()!1.\\<&", max_size=80), st.data())
def test_any_cut_of_any_text_gives_what_the_whole_gives(document: str, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(document)), max_size=8))
    assert streamed(document, cuts, 40) == render(document, 40)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_without_colour_there_is_no_escape(document: str) -> None:
    assert "\x1b" not in render(document, 80, color=False)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_no_line_ends_in_blanks(document: str) -> None:
    for line in SGR.sub("", render(document, 80)).split("\n"):
        assert line == line.rstrip()


def test_code_is_copied_as_it_was_written() -> None:
    code = "def f():\n    return  1\n\n\nclass A:\n    x = '│'"
    shown = SGR.sub("", render(f"```python\n{code}\n```", 80))
    assert shown.strip("\n") == code


@pytest.mark.parametrize("width", WIDTHS)
def test_code_in_lists_is_copied_without_a_box(width: int) -> None:
    code = "if x:\n    " + "y = 1; " * 40 + "z"
    inside = code.replace("\n", "\n  ")
    shown = SGR.sub("", render(f"- item\n  ```python\n  {inside}\n  ```", width))
    first, *lines = shown.strip("\n").split("\n")
    assert first.split() == ["•", "item"]
    assert "\n".join(line.removeprefix("   ") for line in lines if line) == code


@pytest.mark.parametrize("document", DOCUMENTS)
def test_only_tables_rules_and_quotes_have_drawn_lines(document: str) -> None:
    drawn = set(re.findall(r"[\u2500-\u259f]", SGR.sub("", render(document, 80))))
    assert drawn <= {"─", "┼", "│", "╵", "▌"} | set(document), drawn


def told_by_markdown_it(document: str) -> list[str]:
    """Return every run of text that another reader of Markdown finds, without white space."""
    grammar = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    runs: list[str] = []
    for token in grammar.parse(document):
        if token.type in {"fence", "code_block"}:
            runs += token.content.split("\n")
        for child in token.children or ():
            if child.type in {"text", "code_inline"}:
                runs.append(child.content)
    return ["".join(run.split()) for run in runs]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_all_that_another_reader_finds_is_shown_and_in_its_order(document: str) -> None:
    shown = "".join(SGR.sub("", render(document, 400)).split())
    at = 0
    for run in told_by_markdown_it(document):
        found = shown.find(run, at)
        assert found >= 0, f"{run!r} is missing behind {shown[:at]!r}"
        at = found + len(run)


@pytest.mark.parametrize(
    "hostile",
    [
        ">" * 10_000 + " deep",
        "[" * 10_000,
        "- " * 5_000 + "x",
        "|" + "a|" * 1_000 + "\n|" + "-|" * 1_000 + "\n|" + "b|" * 1_000,
        "*" * 20_000,
        "`" * 5_000 + "x" + "`" * 4_999,
        "word " * 100_000,
        "x" * 500_000,
    ],
)
def test_hostile_text_costs_bounded_time(hostile: str) -> None:
    began = time.process_time()
    stream = MarkdownStream(80)
    shown = stream.feed(hostile)
    stream.open_lines(20)
    shown += stream.finish()
    assert shown
    assert time.process_time() - began < 12
