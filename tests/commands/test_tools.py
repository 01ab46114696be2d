"""/help: all commands on one screen, and each of them explained by an example."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatcli import commands
from chatcli.app import App, Options
from chatcli.commands.registry import GROUPS
from chatcli.conversation.events import Document, Event, Table
from chatcli.settings import load
from chatcli.terminal.render import Look, Renderer
from chatcli.terminal.theme import UNICODE

SHIPPED = commands.shipped()
ROWS = 24


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    environ = {"CHATCLI_HOME": str(tmp_path), "OPENAI_API_KEY": "sk-test"}
    app = App(load(environ=environ, cwd=tmp_path), Options())
    yield app
    app.close()


def asked(app: App, arguments: str = "") -> list[Event]:
    return list(SHIPPED["help"].run(app, arguments))


@pytest.mark.parametrize("width", [40, 80])
def test_help_fits_a_screen_and_names_every_command_in_its_group(app: App, width: int) -> None:
    (table,) = asked(app)
    assert isinstance(table, Table)
    assert tuple(row.cells[0] for row in table.rows) == GROUPS
    shown = Renderer(Look(lambda: width, color=False, markdown=True, glyphs=UNICODE)).show(table)
    lines = shown.splitlines()
    assert len(lines) <= ROWS - len(("what was typed", "the input line", "the toolbar"))
    assert max(map(len, lines)) <= width
    assert {f"/{name}" for name in SHIPPED} <= set(shown.split())


@pytest.mark.parametrize("name", SHIPPED)
def test_every_command_is_explained_by_an_example(name: str) -> None:
    (example,) = re.findall(r"^Example: (.+)$", SHIPPED[name].details, re.MULTILINE)
    assert f"/{name}" in example


def test_help_explains_a_command_and_lists_all(app: App) -> None:
    (document,) = asked(app, "branch")
    assert isinstance(document, Document)
    assert "/branch bold" in document.markdown
    (table,) = asked(app, "all")
    assert isinstance(table, Table)
    assert len(table.rows) == len(SHIPPED)
