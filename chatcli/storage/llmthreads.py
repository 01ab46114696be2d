"""The conversations of `llm` since it keeps them as trees: threads of messages made of parts.

A message is known by a hash and names the one before it. A thread is a name for the newest one;
each turn of it, a call of a model, says which message it led to. What the turns of a thread lead to
beside its newest message becomes a branch. A fork is a thread of its own, and stays one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from chatcli.conversation.messages import Role
from chatcli.errors import BadSession
from chatcli.storage.foreign import (
    FILES,
    MAX_MESSAGES,
    MAX_TEXT,
    OTHERS,
    THOUGHTS,
    TOOLS,
    Foreign,
    Place,
    Said,
    conversation,
    grown,
    instant,
    label,
    tokens,
)
from chatcli.storage.sqlitefile import Database
from chatcli.storage.strictjson import strict_json

_ROLES: Final[dict[object, Role]] = {"system": "system", "user": "user", "assistant": "assistant"}
_TABLES: Final = {
    "threads": ("id", "tip_message_hash"),
    "turns": ("id", "thread_id", "parent_message_hash", "tip_message_hash"),
    "messages": ("hash", "parent_hash", "role"),
    "parts": ("message_hash", "position", "type", "text", "payload"),
}
_LEFT_OUT: Final = {
    "reasoning": THOUGHTS,
    "tool_call": TOOLS,
    "tool_result": TOOLS,
    "attachment": FILES,
}
_MESSAGE: Final = 'select "parent_hash", "role" from "messages" where "hash" = ?'
_PARTS: Final = (
    'select "type", "text", "payload" from "parts" where "message_hash" = ? order by "position"'
)
_FRAGMENT: Final = 'select "content" from "fragments" where "id" = ?'


@dataclass(frozen=True, slots=True)
class _Turn:
    question: object
    reply: object
    said: Said
    """What is known of the reply beside its text."""


def has_threads(database: Database) -> bool:
    return all(database.has(table, *columns) for table, columns in _TABLES.items())


def threads(database: Database) -> Iterator[Foreign | BadSession]:
    """Yield the conversations of all threads, the oldest first."""
    turns = _turns(database)
    columns = ("id", "name", "tip_message_hash", "datetime_utc")
    for name, title, tip, time in database.rows(
        "threads", *columns, rest='order by "id"'
    ).fetchall():
        reader = _Reader(database, turns.get(name, []))
        try:
            tree = grown(reader.places(tip), tip if isinstance(tip, str) else None)
        except BadSession as error:
            yield error
            continue
        talk = conversation(tree, title=title, created=instant(time))
        yield Foreign(talk, +reader.left_out)


def _turns(database: Database) -> dict[object, list[_Turn]]:
    """Return the turns of each thread in their order."""
    found: dict[object, list[_Turn]] = {}
    columns = ("thread_id", "parent_message_hash", "tip_message_hash", "model")
    figures = ("input_tokens", "output_tokens", "datetime_utc")
    for row in database.rows("turns", *columns, *figures, rest='order by "id"'):
        thread, question, reply, model, sent, received, time = row
        about = Said("assistant", "", instant(time), label(model), tokens(sent, received))
        found.setdefault(thread, []).append(_Turn(question, reply, about))
    return found


class _Reader:
    """Reads one thread's messages, from its newest ones back to the first."""

    def __init__(self, database: Database, turns: list[_Turn]) -> None:
        self._database = database
        self._turns = turns
        self._asked = {turn.question: turn.said.time for turn in turns}
        self._answered = {turn.reply: turn.said for turn in turns}
        self._size = 0
        self.left_out: Counter[str] = Counter()

    def places(self, tip: object) -> dict[str, Place]:
        """Return all messages that lead to the tip or to what a turn led to."""
        found: dict[str, Place] = {}
        for end in (*(turn.reply for turn in self._turns), tip):
            at = end
            while isinstance(at, str) and at not in found:
                rows = self._database.looked_up(_MESSAGE, at)
                if not rows:
                    break
                parent, role = rows[0]
                above = parent if isinstance(parent, str) else None
                found[at] = Place(above, self._said(at, role))
                at = above
                if len(found) > MAX_MESSAGES or self._size > MAX_TEXT:
                    raise BadSession("a conversation of it is larger than can be read")
        return found

    def _said(self, name: str, role: object) -> Said | None:
        text = self._text(name)
        if not text:
            return None
        if not isinstance(role, str) or role not in _ROLES:
            self.left_out[OTHERS] += 1
            return None
        if role == "assistant" and name in self._answered:
            return replace(self._answered[name], text=text)
        return Said(_ROLES[role], text, self._asked.get(name, ""))

    def _text(self, name: str) -> str:
        texts = []
        for kind, text, payload in self._database.looked_up(_PARTS, name):
            if isinstance(kind, str) and kind in _LEFT_OUT:
                self.left_out[_LEFT_OUT[kind]] += 1
            else:
                texts.append(text if isinstance(text, str) else self._stitched(payload))
        self._size += sum(map(len, texts))
        return "\n\n".join(text for text in texts if text)

    def _stitched(self, payload: object) -> str:
        """Return a text that borrows from fragments: literal pieces and fragments by their ids."""
        try:
            value = strict_json(payload) if isinstance(payload, str) else None
        except ValueError:
            raise BadSession("a message of it is broken") from None
        pieces = value.get("text_ref") if isinstance(value, dict) else None
        return "".join(map(self._piece, pieces if isinstance(pieces, list) else []))

    def _piece(self, piece: object) -> str:
        if not isinstance(piece, dict):
            return ""
        text, fragment = piece.get("literal"), piece.get("fragment")
        if isinstance(fragment, int) and self._database.has("fragments", "id", "content"):
            text = next((row[0] for row in self._database.looked_up(_FRAGMENT, fragment)), None)
        return text if isinstance(text, str) else ""
