"""The Markdown that a conversation becomes: its outline holds, whatever was said."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from chatcli.conversation import tree as trees
from chatcli.conversation.messages import INTERRUPTED, ROLES, Message, Node
from chatcli.conversation.records import Conversation, Header
from chatcli.conversation.tree import MAIN, Tree
from chatcli.storage.formats import WRITERS

HEADER = Header("01ABC", "2026-11-23T04:18:00Z", "pirate", "local:smollm2")


def document(*texts: str, title: str | None = "Ships", header: Header = HEADER) -> str:
    """A system prompt, a question, a reply, and so on, as Markdown."""
    tree = Tree()
    for number, text in enumerate(texts):
        role = ROLES[0] if number == 0 else ROLES[2 - number % 2]
        tree = trees.add(tree, trees.say(tree, Message(role, text)))
    return WRITERS["md"](Conversation(header, tree, title=title)).decode()


def outline(markdown: str) -> list[str]:
    """The headings of a document's first two levels, outside of what contains other blocks."""
    tokens = MarkdownIt("commonmark").parse(markdown)
    return [
        f"{token.tag} {inline.content}"
        for token, inline in pairwise(tokens)
        if token.type == "heading_open" and not token.level and token.tag in {"h1", "h2"}
    ]


def test_a_conversation_is_a_document_with_a_heading_for_each_message() -> None:
    assert document("You are a pirate.", "Hi", "Arr!\n\n- one\n- two") == (
        "# Ships\n\n"
        "2026-11-23 · local:smollm2 · pirate\n\n"
        "## System prompt\n\nYou are a pirate.\n\n"
        "## You\n\nHi\n\n"
        "## Assistant\n\nArr!\n\n- one\n- two\n"
    )


def test_a_reply_says_who_gave_it_and_whether_it_was_cut_short() -> None:
    question = Node("a", None, Message("user", "Hi"), "")
    reply = Node("b", question, Message("assistant", "Ar"), "", "gpt-4o", finish=INTERRUPTED)
    talk = Conversation(HEADER, Tree({MAIN: reply}))
    text = WRITERS["md"](talk).decode()
    assert text.endswith("## Assistant (gpt-4o)\n\nAr\n\n*(cut short)*\n")
    assert text.startswith("# Hi\n")


def test_the_headings_of_a_message_go_below_its_own() -> None:
    reply = "# One\n\nTwo\n===\n\nText\nmore\n---\n\n###### Six\n\n```sh\n# a comment\n```"
    assert document("", "Hi", reply).endswith(
        "## Assistant\n\n### One\n\n### Two\n\n#### Text more\n\n###### Six\n\n"
        "```sh\n# a comment\n```\n"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("```py\ncode", "```py\ncode\n```"),
        ("~~~~\n```\ncode", "~~~~\n```\ncode\n~~~~"),
        ("<!-- hidden", "> <!-- hidden"),
        ("<pre>\n\n# x", "> <pre>\n>\n> # x"),
        ("- ```\n  code", "- ```\n  code"),
        ("a\r\n# b", "a\n### b"),
    ],
)
def test_what_a_message_leaves_open_is_closed(text: str, shown: str) -> None:
    assert document("", "Hi", text).endswith(f"## Assistant\n\n{shown}\n")


def test_a_message_of_very_many_lines_is_quoted_as_it_is() -> None:
    text = document("", "Hi", "# a\n" * 30_000)
    assert outline(text) == ["h1 Ships", "h2 System prompt", "h2 You", "h2 Assistant"]
    assert text.count("> # a\n") == 30_000


def test_a_title_of_somebody_elses_is_no_markdown() -> None:
    header = Header("01ABC", "<b>", model="*m*")
    text = document("S", "Q", title="# A\n[x](http://evil) `", header=header)
    assert text.startswith("# \\# A \\[x\\](http://evil) \\`\n\n\\<b\\> · \\*m\\*\n")


SIGNS = (
    *("# ", "## a", "\n", "\n\n", "```", "~~~", "> ", "- ", "    ", "=", "---", "<!--", "-->"),
    *("<pre>", "</pre>", "<?", "a", "\\", "\r", "\t", "1. ", "`", "[a]: b", "|", "<div>", "\0"),
)
ROUGH = st.lists(st.sampled_from(SIGNS), max_size=14).map("".join)


@given(st.lists(ROUGH | st.text(max_size=30), min_size=1, max_size=4))
@settings(deadline=None)
def test_the_outline_is_the_conversation_whatever_was_said(texts: list[str]) -> None:
    heads = ["System prompt", "You", "Assistant", "You"][: len(texts)]
    assert outline(document(*texts)) == ["h1 Ships", *(f"h2 {head}" for head in heads)]
