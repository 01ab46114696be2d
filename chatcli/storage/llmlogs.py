"""The log of the program `llm`: `logs.db`, in every form that it has had.

The tables are those of llm's own migrations, up to 0.36. `threads`, `turns`, `messages` and
`parts` hold conversations as trees, see `llmthreads`. Earlier versions wrote `responses`, a row
for a question and its reply, and before that `logs`; those are read here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from chatcli.errors import BadSession
from chatcli.storage.foreign import (
    FILES,
    THOUGHTS,
    TOOLS,
    Foreign,
    Said,
    Source,
    conversation,
    in_line,
    instant,
    label,
    tokens,
)
from chatcli.storage.llmthreads import has_threads, threads
from chatcli.storage.sqlitefile import Database, is_database, reading

_COLUMNS: Final = (
    *("id", "system", "prompt", "response", "reasoning"),
    *("model", "datetime_utc", "input_tokens", "output_tokens"),
)
_COUNTED: Final = (
    ("tool_calls", TOOLS),
    ("tool_results", TOOLS),
    ("prompt_attachments", FILES),
)


@dataclass(frozen=True, slots=True)
class _Row:
    """A question and its reply, as the log has them; any value may be of any type."""

    chat: object
    id: object
    system: object
    prompt: object
    response: object
    reasoning: object
    model: object
    datetime_utc: object
    input_tokens: object
    output_tokens: object


def llm_log(source: Source) -> Iterator[Foreign | BadSession] | None:
    """Read the conversations of llm's logs.db."""
    if not is_database(source.data):
        return None
    if source.path is None:
        raise BadSession(
            "a database is read from its file", "`chatcli sessions import FILE` brings it in"
        )
    with reading(source.path) as database:
        if not (has_threads(database) or _has_rows(database)):
            return None
    return _read(source)


def _has_rows(database: Database) -> bool:
    return any(database.has(table, "id", "prompt", "response") for table in ("responses", "logs"))


def _read(source: Source) -> Iterator[Foreign | BadSession]:
    assert source.path is not None, "a database has a path"
    with reading(source.path) as database:
        # A conversation that went on in a later version is in a thread as a whole.
        known = set(database.counts("threads", "id")) if has_threads(database) else set()
        yield from _chats(database, "logs", "chat_id", known)
        yield from _chats(database, "responses", "conversation_id", known)
        if has_threads(database):
            yield from threads(database)


def _chats(
    database: Database, table: str, group: str, known: set[object]
) -> Iterator[Foreign | BadSession]:
    """Yield the conversations of a table of questions and replies, the oldest first."""
    if not database.has(table, "id", "prompt", "response"):
        return
    names = _names(database) if table == "responses" else {}
    counted = [(database.counts(name, "response_id"), what) for name, what in _COUNTED]
    chat = f'coalesce("{group}", "id")' if database.has(table, group) else '"id"'
    found = database.rows(table, *_COLUMNS, rest=f'order by {chat}, "id"', first=chat)
    for name, rows in groupby((_Row(*row) for row in found), key=lambda row: row.chat):
        if name not in known:
            yield _chat(database, rows, names.get(name), counted)


def _names(database: Database) -> dict[object, object]:
    if not database.has("conversations", "id"):
        return {}
    return dict(database.rows("conversations", "id", "name").fetchall())


def _chat(
    database: Database,
    rows: Iterable[_Row],
    name: object,
    counted: Iterable[tuple[Mapping[object, int], str]],
) -> Foreign | BadSession:
    left_out: Counter[str] = Counter()
    try:
        tree = in_line(_said(database, rows, counted, left_out))
    except BadSession as error:
        return error
    return Foreign(conversation(tree, title=name), +left_out)


def _said(
    database: Database,
    rows: Iterable[_Row],
    counted: Iterable[tuple[Mapping[object, int], str]],
    left_out: Counter[str],
) -> Iterator[Said]:
    """Yield what was said, a system prompt wherever it is another than before."""
    system = ""
    for row in rows:
        time = instant(row.datetime_utc)
        prompt = _with_fragments(database, "system_fragments", row.id, row.system, "\n\n")
        if prompt and prompt != system:
            system = prompt
            yield Said("system", prompt, time)
        question = _with_fragments(database, "prompt_fragments", row.id, row.prompt, "\n")
        if question:
            yield Said("user", question, time)
        if isinstance(row.response, str) and row.response:
            usage = tokens(row.input_tokens, row.output_tokens)
            yield Said("assistant", row.response, time, label(row.model), usage)
        left_out[THOUGHTS] += bool(row.reasoning)
        for counts, what in counted:
            left_out[what] += counts.get(row.id, 0)


def _with_fragments(
    database: Database, table: str, response: object, text: object, separator: str
) -> str:
    """Return a prompt with the fragments before it that were sent along, joined as llm does."""
    texts = [text] if isinstance(text, str) and text else []
    if database.has(table, "response_id", "fragment_id", "order") and database.has(
        "fragments", "id", "content"
    ):
        found = database.looked_up(
            f'select f."content" from "{table}" p join "fragments" f on f."id" = p."fragment_id"'  # noqa: S608 - the table's name is ours
            ' where p."response_id" = ? order by p."order"',
            response,
        )
        texts = [*(content for (content,) in found if isinstance(content, str)), *texts]
    return separator.join(texts)
