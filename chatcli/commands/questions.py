"""/questions: what was asked on this branch, to be read again and quoted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from chatcli.commands.registry import Chat, Choice, command, whole_number
from chatcli.conversation.events import (
    Draft,
    Entry,
    Event,
    Notice,
    Row,
    Table,
    Transcript,
    numbered,
)
from chatcli.conversation.text import first_words
from chatcli.errors import UsageError

QUOTE = "quote"


def _ways(chat: Chat) -> Iterable[Choice]:
    """Offer the questions, the latest first, and quoting each of them."""
    asked = [(n, first_words(turn[0].node.content)) for n, turn in enumerate(_turns(chat), 1)][::-1]
    shown = [Choice(str(number), words) for number, words in asked]
    return [*shown, *(Choice(f"{QUOTE} {number}", words) for number, words in asked)]


@command("conversation", "[N|quote N]", complete=_ways)
def questions(chat: Chat, arguments: str) -> Iterator[Event]:
    """List the questions of this branch, or show the Nth again with its reply.

    They are counted as turns are. /questions quote N puts the question into the input line as a
    quotation, to be asked about.

    Example: /questions 2
    """
    turns = _turns(chat)
    if not turns:
        yield Notice("nothing was asked yet on this branch", "/branches lists the others")
        return
    what, _, rest = arguments.partition(" ")
    if not arguments:
        yield _listed(turns)
    elif what == QUOTE:
        question = _turn(turns, rest.strip())[0]
        yield Draft(_quoted(question.node.content))
    else:
        yield Transcript(tuple(_turn(turns, arguments)))


def _turns(chat: Chat) -> list[list[Entry]]:
    """Return the turns of this branch: each question and what was answered."""
    turns: list[list[Entry]] = []
    for entry in numbered(chat.session.history):
        if entry.node.role == "user":
            turns.append([])
        if turns:
            turns[-1].append(entry)
    return turns


def _turn(turns: list[list[Entry]], text: str) -> list[Entry]:
    if not text:
        raise UsageError(f"/questions {QUOTE} wants a number", "/questions shows them")
    number = whole_number(text, 0, "a question's number")
    if number > len(turns):
        raise UsageError(f"there is no question {number}", f"/questions has 1 to {len(turns)}")
    return turns[number - 1]


def _listed(turns: list[list[Entry]]) -> Table:
    rows = tuple(_row(number, turn) for number, turn in enumerate(turns, 1))
    cropped = frozenset({"question", "reply"})
    caption = f"/questions N shows one with its reply, /questions {QUOTE} N quotes it"
    return Table("Questions", ("N", "question", "reply"), rows, cropped=cropped, caption=caption)


def _row(number: int, turn: list[Entry]) -> Row:
    question, *replies = turn
    reply = first_words(replies[0].node.content) if replies else ""
    return Row((str(number), first_words(question.node.content), reply))


def _quoted(text: str) -> str:
    """Return a question as a quotation, which attaches no file, be it named in there or not."""
    from chatcli.storage.attachments import without_mentions

    lines = text.strip().splitlines() or [""]
    return without_mentions("".join(f"> {line}".rstrip() + "\n" for line in lines)) + "\n"
