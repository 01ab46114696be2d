"""Live facts in the system prompt: what is true at one turn, and the words that say so.

A persona's `inject` names what is told; the memory is told whenever there is something in it. The
templates in a system prompt become facts as well. All of it is pure: the clock, the user's name and
the memory are handed in, and what is stored stays the template.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

from chatcli.conversation.seam import GO_ON
from chatcli.conversation.text import first_words
from chatcli.conversation.turns import Course, Turn

MOST_QUESTIONS: Final = 20
"""How many earlier questions are told at the most, the newest of them."""

LONGEST_QUESTION: Final = 120
"""How many characters of an earlier question are told."""

NAMES: Final = ("memory", "questions", "date", "turn")
"""The facts in the order in which they stand in the system message."""

MEMORY: Final = "What the user asked you to remember:"
QUESTIONS: Final = "The user's earlier questions in this conversation:"

# Not in doubled braces: there they belong to the template of something else.
_NAME: Final = re.compile(r"(?<!\{)\{(turn|date|user|persona)\}(?!\})")
_WEEKDAYS: Final = (
    *("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the outside knows at a turn, and what of the facts is wanted.

    `memory` are the facts in scope, the oldest first, of which `memory_budget` tokens are told.
    """

    today: date
    inject: frozenset[str] = frozenset()
    user: str | None = None
    persona: str | None = None
    memory: tuple[str, ...] = ()
    memory_budget: int = 500


@dataclass(frozen=True, slots=True)
class Question:
    """An earlier question of this branch, and the turn in which it was asked."""

    turn: int
    text: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What is true at one turn; `turn` counts the question that is asked with it.

    `dated` and `counted` say whether the date and the turn are told by themselves. `left_out` says
    how many of each kind are not told, for want of room.
    """

    turn: int
    date: date
    user: str | None = None
    persona: str | None = None
    memory: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()
    dated: bool = False
    counted: bool = False
    left_out: Mapping[str, int] = field(default_factory=dict)

    @property
    def droppable(self) -> int:
        """How many things can be left out one after the other."""
        return len(self.questions) + len(self.memory) + self.dated + self.counted

    def without(self, count: int) -> Facts:
        """Leave things out: the oldest questions, the oldest of the memory, the date, the turn."""
        questions = min(count, len(self.questions))
        memory = min(count - questions, len(self.memory))
        rest = count - questions - memory
        date = self.dated and rest > 0
        turn = self.counted and rest > self.dated
        return replace(
            self,
            questions=self.questions[questions:],
            memory=self.memory[memory:],
            dated=self.dated and not date,
            counted=self.counted and not turn,
            left_out=self._less(memory=memory, questions=questions, date=date, turn=turn),
        )

    def remembering(self, count: int) -> Facts:
        """Keep the newest `count` things of the memory."""
        out = len(self.memory) - count
        return replace(self, memory=self.memory[out:], left_out=self._less(memory=out))

    def _less(self, **more: int) -> Mapping[str, int]:
        counts = {name: self.left_out.get(name, 0) + more.get(name, 0) for name in NAMES}
        return {name: count for name, count in counts.items() if count}


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the system message, under the name of the fact that it tells."""

    name: str
    text: str


def facts_of(course: Course, around: Surroundings) -> Facts:
    """Return the facts for the request whose question is the last turn of `course`."""
    turn, wanted = turn_of(course), around.inject
    asked = "questions" in wanted
    questions = earlier_questions(course) if asked else ()
    older = max(turn - 1 - len(questions), 0) if asked else 0
    return Facts(
        turn,
        around.today,
        around.user,
        around.persona,
        around.memory,
        questions,
        dated="date" in wanted,
        counted="turn" in wanted,
        left_out={"questions": older} if older else {},
    )


def turn_of(course: Course) -> int:
    """Return how many questions were asked on the way; an order to go on is none."""
    turns = course.turns
    edges = (*turns[:1], *(turns[-1:] if len(turns) > 1 else ()))
    return len(turns) - sum(not _asks(turn) for turn in edges)


def earlier_questions(course: Course, most: int = MOST_QUESTIONS) -> tuple[Question, ...]:
    """Return the questions before the newest one, those that are muted apart, the oldest first."""
    number, found = turn_of(course), list[Question]()
    asked = [turn for turn in course.turns[-most - 2 :] if _asks(turn)]
    for turn in reversed(asked[:-1]):
        number -= 1
        question = turn.entries[0]
        if not question.muted and len(found) < most:
            found.append(Question(number, first_words(question.node.content, LONGEST_QUESTION)))
    return tuple(reversed(found))


def _asks(turn: Turn) -> bool:
    first = turn.entries[0].node
    return first.role == "user" and first.content != GO_ON


def expanded(template: str, facts: Facts) -> str:
    """Return a system prompt with `{turn}`, `{date}`, `{user}` and `{persona}` filled in.

    Every other brace stays as it is, so that code and JSON come through whole.
    """
    if "{" not in template:
        return template
    values = {
        "turn": str(facts.turn),
        "date": facts.date.isoformat(),
        "user": facts.user or "the user",
        "persona": facts.persona or "the assistant",
    }
    return _NAME.sub(lambda match: values[match[1]], template)


def pieces(facts: Facts) -> list[Piece]:
    """Return what is told by itself, in the order in which it stands in the system message."""
    found = []
    if facts.memory:
        lines = "".join(f"\n- {fact}" for fact in facts.memory)
        found.append(Piece("memory", f"{MEMORY}{lines}"))
    if facts.questions:
        asked = "".join(f"\n{each.turn}. {each.text}" for each in facts.questions)
        found.append(Piece("questions", f"{QUESTIONS}{asked}"))
    if facts.dated:
        day = _WEEKDAYS[facts.date.weekday()]
        found.append(Piece("date", f"Today is {day}, {facts.date.isoformat()}."))
    if facts.counted:
        told = f"[Turn {facts.turn}] This is turn {facts.turn} of the conversation."
        found.append(Piece("turn", told))
    return found
