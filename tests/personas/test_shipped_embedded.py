"""A persona that ships, on the embedded model."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatcli import Session
from chatcli.personas import shipped_folder
from tests.support.embedded import weights

pytest.importorskip("xllamacpp", reason="the extra `local` is not installed")
pytestmark = [pytest.mark.embedded, pytest.mark.timeout(180)]
__all__ = ["weights"]


def test_the_turnkeeper_knows_which_turn_it_is(
    tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATCLI_HOME", str(tmp_path / "chatcli"))
    text = (shipped_folder() / "turnkeeper.md").read_text()
    # Without chance, so that the model says the same each time.
    calm = tmp_path / "turnkeeper.md"
    calm.write_text(text.replace("temperature: 0.3", "temperature: 0\nmax_reply: 60"))
    talk = Session(persona=str(calm), model=f"local:{weights}")
    try:
        talk.send("What is a tree?")
        talk.send("Name a colour.")
        assert "3" in talk.send("How many turns have we talked?")
    finally:
        talk.close()
