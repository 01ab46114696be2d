"""SQLite databases of other programs, read without leaving a trace, however hostile they are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from chatcli.errors import BadSession, StorageError
from chatcli.storage import files

if TYPE_CHECKING:
    from sqlite3 import Connection, Cursor

MAGIC: Final = b"SQLite format 3\0"
MAX_VALUE: Final = 16 * 1024 * 1024
"""The most bytes of one value."""

MAX_STEPS: Final = 40_000_000
"""The most steps of SQLite's machine that a file may cost: a second or two."""

_STEPS_AT_ONCE: Final = 100_000
_WAL: Final = b"\x02\x02"


class Database:
    """The tables of an open database. Views are not seen: what they cost is up to their author."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._columns: dict[str, set[str]] = {}
        named = connection.execute("select name from sqlite_master where type = 'table'")
        for (name,) in named.fetchall():
            about = connection.execute("select name from pragma_table_info(?)", (name,))
            self._columns[name] = {column for (column,) in about}

    def has(self, table: str, *columns: str) -> bool:
        return set(columns) <= self._columns.get(table, set()) and table in self._columns

    def rows(self, table: str, *columns: str, first: str = "", rest: str = "") -> Cursor:
        """Select columns, null where the table has none of that name.

        `first` is an expression to come before them, `rest` what follows in the SQL. All of it is
        ours and nothing the file's.
        """
        known = self._columns[table]
        wanted = [f'"{name}"' if name in known else f'null as "{name}"' for name in columns]
        selected = ", ".join([first, *wanted] if first else wanted)
        return self._connection.execute(f'select {selected} from "{table}" {rest}')  # noqa: S608

    def looked_up(self, sql: str, value: object) -> list[tuple[object, ...]]:
        """Return the rows for one value."""
        return self._connection.execute(sql, (value,)).fetchall()

    def counts(self, table: str, column: str) -> dict[object, int]:
        """Return how many rows have each value of a column, none where there is no such table."""
        if not self.has(table, column):
            return {}
        sql = f'select "{column}", count(*) from "{table}" group by 1'  # noqa: S608
        return dict(self._connection.execute(sql).fetchall())


def is_database(data: bytes) -> bool:
    return data.startswith(MAGIC)


@contextmanager
def reading(path: Path) -> Iterator[Database]:
    """Open the database at `path` to read from it. Raises BadSession, also for what goes wrong."""
    import sqlite3  # which few sessions of chatcli need

    try:
        with (
            _at_rest(path) as uri,
            closing(sqlite3.connect(uri, uri=True, timeout=1)) as connection,
        ):
            _confine(connection)
            yield Database(connection)
    except UnicodeDecodeError as error:  # in a complaint that quotes the file
        raise BadSession("the database can't be read: it is malformed") from error
    except sqlite3.Error as error:
        reason = " ".join(str(error).split())
        told = "it is too much to read" if reason == "interrupted" else reason
        raise BadSession(f"the database can't be read: {told:.120}") from error


def _confine(connection: Connection) -> None:
    from sqlite3 import SQLITE_LIMIT_LENGTH

    steps = 0

    def too_many() -> bool:
        nonlocal steps
        steps += _STEPS_AT_ONCE
        return steps > MAX_STEPS

    connection.set_progress_handler(too_many, _STEPS_AT_ONCE)
    connection.setlimit(SQLITE_LIMIT_LENGTH, MAX_VALUE)
    connection.text_factory = lambda data: data.decode("utf-8", "replace")
    connection.execute("pragma trusted_schema = off")
    connection.execute("pragma query_only = on")


@contextmanager
def _at_rest(path: Path) -> Iterator[str]:
    """Yield the address at which the database can be read with nothing left beside it.

    Opening a database in write-ahead mode makes two files, which a reader can't take away again.
    Where its log is all there is, because the writer died or it was copied so, both are copied.
    """
    log, index = (path.with_name(f"{path.name}-{ending}") for ending in ("wal", "shm"))
    address = f"{path.resolve().as_uri()}?mode=ro"
    if not _has_log(path) or (log.exists() and index.exists()):
        yield address
    elif not log.exists():
        yield f"{address}&immutable=1"
    else:
        with _copied(path, log) as copy:
            yield copy.as_uri()


@contextmanager
def _copied(*paths: Path) -> Iterator[Path]:
    """Yield the copy of the first of these files, with the others beside it."""
    import shutil
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        for each in paths:
            with files.failing("copy", each):
                shutil.copyfile(each, Path(folder, each.name))
        yield Path(folder, paths[0].name)


def _has_log(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(20)[18:20] == _WAL
    except OSError as error:
        raise StorageError(f"could not open {path}: {error.strerror}") from error
