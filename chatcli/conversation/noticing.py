"""Noticing what is worth remembering: the model is asked for it, and hardly believed.

What it answers is kept only where it says nothing but what the user has said: bounded, on one line,
and in the user's own words. Small models make things up, and a memory that is wrong is worse than
one that is short.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from chatcli.conversation.messages import CUT, Message, Node
from chatcli.conversation.remembering import same_words
from chatcli.conversation.tree import Tree

MOST: Final = 3
"""How many things are kept of one answer."""

LONGEST: Final = 200
"""The most characters of one of them."""

LONGEST_ANSWER: Final = 4000
"""The characters of an answer that are looked at; a model that has more to say rambles."""

MOST_ASKED: Final = 6
"""How many questions the model is shown at a time, the newest of them."""

LONGEST_QUESTION: Final = 2000
_LEAST_WORDS: Final = 2

_WISH: Final = (
    "Below is what a user said to an assistant. Does it tell something lasting about the user that "
    "is worth knowing in later conversations: a name, a preference, a circumstance, how to answer? "
    "Leave out what only this conversation is about. Write at most {most} lines, each beginning "
    "with `- `, short, in the user's own words. If there is nothing of that kind, write only: none"
)
_KNOWN: Final = "What is known already, and must not be told again:"
_ITEM: Final = re.compile(r"(?:[-*•]|\d{1,2}[.)])\s+(.+)")
_WORD: Final = re.compile(r"\w+(?:['’]\w+)?")

# What a sentence about somebody may add to what that person said.
_STOCK_WORDS: Final = (
    "a an and are as at be been by for from goes has have he her him his in is it "
    "its likes of on or she that the their them they this to user user's users was "
    "were which who whose with wants prefers called named name speaks lives works "
    "uses always"
)
_STOCK: Final = frozenset(_STOCK_WORDS.split())

_DENIALS: Final = frozenset(
    ("no", "not", "never", "nor", "none", "without", "nicht", "kein", "keine", "nie", "pas")
)
_BETWEEN_CLAUSES: Final = re.compile(r"[.!?;:,\n]+|\b(?:and|but|und|aber|et|mais)\b")


@dataclass(frozen=True, slots=True)
class Heard:
    """Questions that nobody has looked through yet, each with the turn in which it was asked."""

    questions: tuple[tuple[int, Node], ...]

    @property
    def nodes(self) -> tuple[Node, ...]:
        return tuple(node for _, node in self.questions)

    def turn_of(self, text: str) -> int:
        """Return the latest turn in which that was said, as far as its words tell."""
        words = _words(text)
        return max(self.questions, key=lambda asked: (_shared(words, asked[1].content), asked[0]))[
            0
        ]


def heard(tree: Tree, known: frozenset[str]) -> Heard | None:
    """Return the answered questions of this branch that are not `known`, by their ids.

    None where there are none, or where the newest one has no whole answer yet.
    """
    head = tree.head
    if head is None or head.role != "assistant" or head.finish in CUT:
        return None
    asked = [node for node in tree.path if node.role == "user"]
    fresh = [(turn, node) for turn, node in enumerate(asked, 1) if node.id not in known]
    return Heard(tuple(fresh[-MOST_ASKED:])) if fresh else None


def request(said: Heard, known: Sequence[str]) -> list[Message]:
    """Return the request that asks what is worth remembering; what is `known` is not."""
    lines = "\n".join(f"- {text}" for text in known)
    earlier = f"{_KNOWN}\n{lines}\n\n" if known else ""
    user = "\n\n".join(node.content[:LONGEST_QUESTION] for node in said.nodes)
    wish = _WISH.format(most=MOST)
    return [Message("user", f"{wish}\n\n{earlier}The user said:\n{user}")]


def worth_keeping(answer: str, said: Heard, known: Sequence[str]) -> list[str]:
    """Return what of the model's answer is kept."""
    source = _words(" ".join(node.content for node in said.nodes))
    kept: list[str] = []
    for text in _items(answer[:LONGEST_ANSWER]):
        if len(kept) == MOST:
            break
        old = any(same_words(text, other) for other in (*known, *kept))
        if old or len(text) > LONGEST or not _was_said(text, source):
            continue
        if not _is_turned_round(text, said):
            kept.append(text)
    return kept


def _items(answer: str) -> Iterator[str]:
    """Yield the items of a list, be it of lines or in JSON, each on one line."""
    try:
        parsed: object = json.loads(answer)
    except (ValueError, RecursionError):
        parsed = None
    if isinstance(parsed, list):
        texts = [each for each in parsed if isinstance(each, str)]
    else:
        matches = (_ITEM.fullmatch(line.strip()) for line in answer.splitlines())
        texts = [match[1] for match in matches if match]
    for text in texts:
        if line := " ".join(text.split()):
            yield line


def _was_said(text: str, source: frozenset[str]) -> bool:
    """Tell whether a text says something, asks nothing, and has the user's words alone."""
    if "?" in text or "`" in text:
        return False
    words = [word for word in _words(text) if word not in _STOCK]
    own = [word for word in words if any(_akin(word, said) for said in source)]
    return bool(own) and len(own) == len(words) and len(_WORD.findall(text)) >= _LEAST_WORDS


def _is_turned_round(text: str, said: Heard) -> bool:
    """Tell whether a text affirms what the user has denied, or denies what the user has not."""
    words = _words(text) - _STOCK
    clauses = [part for node in said.nodes for part in _BETWEEN_CLAUSES.split(node.content)]
    nearest = max(clauses, key=lambda clause: _shared(words, clause))
    return _denies(_words(nearest)) != _denies(_words(text))


def _denies(words: frozenset[str]) -> bool:
    return not words.isdisjoint(_DENIALS) or any(word.endswith("n't") for word in words)


def _shared(words: frozenset[str], text: str) -> int:
    said = _words(text)
    return sum(any(_akin(word, other) for other in said) for word in words)


def _words(text: str) -> frozenset[str]:
    return frozenset(word.replace("’", "'") for word in _WORD.findall(text.casefold()))


def _akin(one: str, other: str) -> bool:
    """Tell whether two words are one, or forms of one: like and likes, heiße and heißt."""
    short, long = sorted((one.removesuffix("'s"), other.removesuffix("'s")), key=len)
    if short == long:
        return True
    if len(short) < 3 or not short.isalpha() or len(long) - len(short) > 2:
        return False
    return long.startswith(short) or (len(short) > 4 and long.startswith(short[:-1]))
