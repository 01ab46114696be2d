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

WIDTHS = (40, 80, 200)
SGR = re.compile(r"\x1b\[[0-9;]*m")
DOCUMENTS = [
    "Just a sentence.",
    "Two\nlines, one paragraph.\n\nAnd another, with **bold**, *italic*, `code` and ~~gone~~.",
    "# One\n\n## Two\n\ntext\n\nSetext\n======\n\nmore\n---\n",
    "1. one\n2. two\n3. three\n",
    "- a\n- b\n  - c\n    - d\n- e\n",
    "- loose\n\n- items\n\n  with a second paragraph\n\nafter",
    "9. nine\n10. ten\n11. eleven\n",
    "* [ ] todo\n* [x] done\n",
    "```python\ndef f(x: int) -> str:\n    '''Doc\n    string.'''\n    return str(x)\n```\n\nDone.",
    "```\nno language\n\n\nblank lines\n```",
    "~~~js\nconst a = `x${1}`;\n~~~\n",
    '```rust\nfn main() { println!("unclosed");',
    "    indented code\n    more\n\ntext",
    "> quote\n> goes on\nlazily\n\n> > nested\n",
    "> - list in quote\n>   more\n\n- > quote in list\n",
    "| a | b |\n| --- | ---: |\n| 1 | 2 |\n| 3 | 4 |\n\nafter",
    "| not a table |\n\n---\n\n***\n",
    "A [link](https://example.com) and <https://example.org>, ![image](https://e.com/i.png).",
    "[ref][r] early\n\n[r]: https://example.com/ref\n",
    "<div>\nhtml block\n</div>\n\ninline <b>html</b>",
    "你好，世界。这是一个很长的段落，需要在终端的右边缘换行，因为它真的非常非常长，长得不得了。",
    "emoji 🏴‍☠️ 👩‍👩‍👧 👍🏽 and é (combining e\u0301)",
    "שלום עולם — مرحبا بالعالم",
    "unclosed **bold and `code and [link](",
    "hard  \nbreak and\\\nanother",
    "1) paren\n2) list\n\n- dash\n+ plus\n* star\n",
    "Term\n: not a definition\n\n\n\n\nmany blank lines",
    "\\*escaped\\* &amp; &copy; &#35;",
    "text right before\n```sh\nls -la | grep x\n```\ntext right after",
    "- item\n  ```python\n  print('in a list')\n  ```\n- next\n",
    "# " + "long heading " * 20,
    "x" * 300,
    "\n\n  \n",
    "",
]


def streamed(document: str, cuts: list[int], width: int, *, color: bool = True) -> str:
    stream = MarkdownStream(width, color=color)
    edges = [0, *sorted(cuts), len(document)]
    final = []
    for start, end in pairwise(edges):
        final.append(stream.feed(document[start:end]))
        stream.open_lines(10)
    return "".join([*final, stream.finish()])


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("document", DOCUMENTS)
def test_any_cut_gives_what_the_whole_gives(document: str, width: int) -> None:
    dice = random.Random(len(document) * width)
    whole = render(document, width)
    for _ in range(6):
        cuts = [dice.randint(0, len(document)) for _ in range(dice.randint(0, 40))]
        assert streamed(document, cuts, width) == whole
    assert streamed(document, list(range(len(document))), width) == whole


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
