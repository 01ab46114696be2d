"""Colours for code that is still being written, a line at a time.

Pygments colours whole files. Here each line is lexed once, in the state in which the one before
left the lexer, so that a line never has to change once it is printed. What that alone would miss
are tokens that reach over several lines: comments and long strings are known by how they begin
and end. Other such tokens are coloured as if each line stood alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any

from pygments.lexer import (  # type: ignore[import-untyped]  # pygments ships no types
    ExtendedRegexLexer,
    Lexer,
    RegexLexer,
)
from pygments.lexers import (  # type: ignore[import-untyped]  # pygments ships no types
    get_all_lexers,
    get_lexer_by_name,
)
from pygments.lexers.html import HtmlLexer  # type: ignore[import-untyped]  # the same
from pygments.lexers.special import TextLexer  # type: ignore[import-untyped]  # the same
from pygments.token import (  # type: ignore[import-untyped]  # the same
    Comment,
    Error,
    String,
    Whitespace,
)
from rich.style import Style
from rich.syntax import SyntaxTheme
from rich.text import Text

#: Longer lines are not coloured: they are data, and the time of some lexers is no line's friend.
MAX_LINE = 1000

_MAX_STACK = 64
_SPANS = (  # how tokens of several lines begin and end; the lexer decides if they are one
    ("/*", "*/"),
    ("<!--", "-->"),
    ('"""', '"""'),
    ("'''", "'''"),
    ("{-", "-}"),
    ("(*", "*)"),
    ("#|", "|#"),
    ("--[[", "]]"),
    ("<#", "#>"),
    ("=begin", "=end"),
    ('R"(', ')"'),
    ("`", "`"),
)
_HEREDOC = re.compile(r"<<[-~]?\s*[\\'\"]?(\w+)")
_GUESTS = {"script": "javascript", "style": "css"}  # languages inside of HTML, by their element
_GUEST_TAG = re.compile(r"<(script|style)\b[^>]*>(?!.*</\1)", re.IGNORECASE)

_Token = tuple[int, Any, str]  # where it begins, pygments' type, its text
_Stack = tuple[str, ...]  # the names of a lexer's states, innermost last


@dataclass(frozen=True)
class _State:
    """Where a lexer is between two lines.

    Inside a token of several lines, `closer` is what ends it and `kind` is its type. Inside of an
    HTML element with another language, `guest` is the element's name.
    """

    stack: _Stack = ("root",)
    closer: str = ""
    kind: Any = None
    guest: str = ""


@dataclass(frozen=True)
class Highlighter:
    """A lexer between two lines; without one, code has the one colour of code."""

    lexer: Lexer | None
    theme: SyntaxTheme
    state: _State = _State()

    def paint(self, line: str) -> tuple[Text, Highlighter]:
        """The next line in colour, and the highlighter for the one after it."""
        if self.lexer is None:
            return Text(line, "markdown.code_block"), self
        text = Text(line)
        if len(line) > MAX_LINE:
            return text, self
        tokens, state = _read(self.lexer, line, self.state)
        for start, kind, value in tokens:
            text.stylize(_style(self.theme, kind), start, start + len(value))
        return text, replace(self, state=state)


def highlighter(language: str, theme: SyntaxTheme) -> Highlighter:
    """Return what colours the code of a language, from its first line on."""
    return Highlighter(_lexer(language.lower()), theme)


@lru_cache(maxsize=64)
def _lexer(language: str) -> Lexer | None:
    if language not in _known_languages():
        return None
    lexer = get_lexer_by_name(language)
    return None if isinstance(lexer, TextLexer) else lexer


@cache
def _known_languages() -> frozenset[str]:
    """Asked first because pygments, for a name it doesn't know, searches all installed packages."""
    return frozenset(
        alias for _, aliases, _, _ in get_all_lexers(plugins=False) for alias in aliases
    )


@lru_cache(maxsize=1024)
def _style(theme: SyntaxTheme, kind: Any) -> Style:
    """A token's style without its background: code stands on the terminal's own."""
    style = theme.get_style_for_token(kind)
    return Style(color=style.color, bold=style.bold, italic=style.italic, underline=style.underline)


def _read(lexer: Lexer, line: str, state: _State) -> tuple[list[_Token], _State]:
    if state.guest:
        return _read_guest(lexer, line, state)
    if not state.closer:
        return _lex(lexer, line, state.stack)
    end = line.find(state.closer)
    if end < 0:
        return [(0, state.kind, line)], state
    end += len(state.closer)
    tokens, after = _lex(lexer, line[end:], state.stack)
    return [(0, state.kind, line[:end]), *_moved(tokens, end)], after


def _read_guest(host: Lexer, line: str, state: _State) -> tuple[list[_Token], _State]:
    guest = _lexer(_GUESTS[state.guest])
    end = line.lower().find(f"</{state.guest}")
    code = line if end < 0 else line[:end]
    tokens, after = _read(guest, code, replace(state, guest=""))
    if end < 0:
        return tokens, replace(after, guest=state.guest)
    others, after = _lex(host, line[end:], ("root",))
    return tokens + _moved(others, end), after


def _lex(lexer: Lexer, line: str, stack: _Stack) -> tuple[list[_Token], _State]:
    for closer in _closers(line):
        tokens, after = _tokens(lexer, f"{line}\n{closer}", stack)
        for start, kind, value in tokens:
            reaches_over = start < len(line) < start + len(value)
            if reaches_over and (kind in Comment or kind in String):
                return tokens, _State(after, closer, kind)
    tokens, after = _tokens(lexer, line, stack)
    tag = _GUEST_TAG.search(line) if isinstance(lexer, HtmlLexer) else None
    if tag:
        return tokens, _State(guest=tag[1].lower())
    return tokens, _State(after)


def _closers(line: str) -> Iterator[str]:
    """What would end the tokens of several lines that may begin in this one."""
    for opener, closer in _SPANS:
        begin = line.rfind(opener)
        if begin >= 0 and closer not in line[begin + len(opener) :]:
            yield closer
    heredoc = _HEREDOC.search(line)
    if heredoc:
        yield heredoc[1]


def _moved(tokens: list[_Token], by: int) -> list[_Token]:
    return [(start + by, kind, value) for start, kind, value in tokens]


def _tokens(lexer: Lexer, line: str, stack: _Stack) -> tuple[list[_Token], _Stack]:
    try:
        if isinstance(lexer, RegexLexer) and not isinstance(lexer, ExtendedRegexLexer):
            return _run(lexer, line + "\n", list(stack))
        return list(lexer.get_tokens_unprocessed(line + "\n")), stack
    except Exception:  # noqa: BLE001  # six hundred lexers, and a line without colour is no loss
        return [], stack


def _run(lexer: RegexLexer, text: str, stack: list[str]) -> tuple[list[_Token], _Stack]:
    """What `RegexLexer.get_tokens_unprocessed` does; that doesn't tell its last state."""
    states = lexer._tokens  # noqa: SLF001  # there is no public way to them
    tokens: list[_Token] = []
    position = 0
    while position < len(text):
        for match_at, action, transition in states[stack[-1]]:
            match = match_at(text, position)
            if match:
                if callable(action):
                    tokens.extend(action(lexer, match))
                elif action is not None:
                    tokens.append((position, action, match.group()))
                position = match.end()
                _move(stack, transition)
                break
        else:
            if text[position] == "\n":
                stack[:] = ["root"]
            tokens.append(
                (position, Whitespace if text[position] == "\n" else Error, text[position])
            )
            position += 1
    return tokens, (*stack[:1], *stack[1:][-_MAX_STACK:])


def _move(stack: list[str], transition: tuple[str, ...] | str | int | None) -> None:
    if isinstance(transition, int):
        del stack[max(1, len(stack) + transition) :]
        return
    for state in (transition,) if isinstance(transition, str) else transition or ():
        if state == "#push":
            stack.append(stack[-1])
        elif state != "#pop":
            stack.append(state)
        elif len(stack) > 1:
            stack.pop()
