"""Links: they say where they lead, and to the letter only what a browser would make of them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from chatcli.terminal.links import address, safe_link
from chatcli.terminal.sanitize import clean_line
from tests.terminal.test_sanitize import hostile_texts


@pytest.mark.parametrize(
    ("url", "text", "shown"),
    [
        ("https://docs.example/a", "the docs", "the docs (https://docs.example/a)"),
        ("https://docs.example/a", "https://docs.example/a", "https://docs.example/a"),
        ("https://docs.example/", "docs.example", "docs.example"),
        ("https://docs.example?q", "Docs.example", "Docs.example"),
        ("https://docs.example/gr%C3%B6%C3%9Fe", "docs.example/größe", "docs.example/größe"),
        ("https://docs.example/größe", "https://docs.example/größe", "https://docs.example/größe"),
        ("mailto:a@b.example", "a@b.example", "a@b.example"),
        ("https://evil.example/", "bank.example", "bank.example (https://evil.example/)"),
        ("https://evil.example/bank.example", "bank.example", "bank.example (https://evil.example/bank.example)"),
        ("https://bank.example.evil.example", "bank.example", "bank.example (https://bank.example.evil.example)"),
        (
            "https://google.com@evil.example/",
            "https://google.com@evil.example/",
            "https://google.com@evil.example/ (https://evil.example/)",
        ),
        ("https://аpple.com/", "аpple.com", "аpple.com (https://xn--pple-43d.com/)"),
        ("https://faß.example", "faß", "faß (https://xn--fa-hia.example)"),
        ("https://evil。example/", "x", "x (https://evil.example/)"),
        ("javascript:alert(1)", "the docs", "the docs (javascript:alert(1))"),
        ("https://evil.example/\u202ea", "x", "x (https://evil.example/%E2%80%AEa)"),
        ("https://goo\u00adgle.example/", "x", "x (https://goo⟨U+00AD⟩gle.example/)"),
        ("https://evil.example/\x1b[2J", "x", "x (https://evil.example/)"),
        ("README.md", "README.md", "README.md"),
        ("https://docs.example/", "", "https://docs.example/"),
        ("", "nowhere", "nowhere"),
        ("data:text/html," + "x" * 400, "x", "x (data:text/html," + "x" * 285 + "…)"),
    ],
)  # fmt: skip
def test_a_link_shows_where_it_leads(url: str, text: str, shown: str) -> None:
    assert safe_link(url, text) == shown


def test_the_host_of_a_long_link_is_never_cut() -> None:
    url = "https://" + "google.com" * 100 + "@evil.example/" + "x" * 400
    assert safe_link(url, url).endswith("(https://evil.example/" + "x" * 400 + ")")


@pytest.mark.parametrize(
    ("url", "opened"),
    [
        ("https://docs.example/a?b=c&d=%20#e", "https://docs.example/a?b=c&d=%20#e"),
        ("HTTP://Docs.Example:8080/A", "http://docs.example:8080/A"),
        ("https://[2001:db8::1]:8080/", "https://[2001:db8::1]:8080/"),
        ("https://docs.example/größe", "https://docs.example/gr%C3%B6%C3%9Fe"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://user:secret@evil.example/", "https://evil.example/"),
        ("mailto:a@b.example?subject=hi", "mailto:a@b.example?subject=hi"),
        ("javascript:alert(1)", None),
        ("file:///etc/passwd", None),
        ("ssh://evil.example", None),
        ("data:text/html,x", None),
        ("//evil.example/", None),
        ("docs/README.md", None),
        ("https:///evil.example/", None),
        ("https://google.com\\@evil.example/", None),
        ("https://docs.example/\x1b\\\x1b[2J", None),
        ("https://docs.example/\x9c", None),
        ("https://docs.example/a b", None),
        ("java\nscript:alert(1)", None),
        ("https://docs.example:port/", None),
        ("https://[::1/", None),
        ("https://%65vil.example/", None),
        ("https://goo\u200bgle.example/", None),
        ("\ud800", None),
        ("", None),
    ],
)
def test_an_address_is_what_a_browser_would_open(url: str, opened: str | None) -> None:
    assert address(url) == opened


@given(hostile_texts, hostile_texts)
@settings(max_examples=300, deadline=None)
def test_no_link_harms(start: str, end: str) -> None:
    for url in (
        start + end,
        f"https://{start}@{end}",
        f"https://{start}.example/{end}",
        f"mailto:{end}",
    ):
        opened = address(url)
        assert opened is None or (opened.isascii() and opened.isprintable() and " " not in opened)
        assert clean_line(safe_link(url, start)) == safe_link(url, start)
