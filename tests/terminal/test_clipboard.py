"""The clipboard, by real programs that stand for those of a desktop, by tmux, and by OSC 52."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatcli.terminal import clipboard
from chatcli.terminal.clipboard import MOST_BASE64, handed_over, osc52, pasteable, programs
from tests.terminal.hostile import PAYLOADS

posix = pytest.mark.skipif(os.name == "nt", reason="the programs are shell scripts")
DESKTOP = {"DISPLAY": ":0"}


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of programs that is the only one."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def program(folder: Path, name: str, does: str) -> None:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{does}\n")
    file.chmod(0o755)


@posix
def test_a_program_that_has_the_clipboard_gets_the_text(bin_folder: Path, tmp_path: Path) -> None:
    program(bin_folder, "xclip", f"/bin/cat > {tmp_path}/clip")
    assert handed_over("Ahoy, Ä 🙂\n", DESKTOP) == "xclip"
    assert (tmp_path / "clip").read_text() == "Ahoy, Ä 🙂\n"


@posix
def test_where_one_program_fails_the_next_is_asked(bin_folder: Path, tmp_path: Path) -> None:
    program(bin_folder, "xclip", "exit 1")
    program(bin_folder, "xsel", f"/bin/cat > {tmp_path}/clip")
    assert handed_over("Ahoy", DESKTOP) == "xsel"


@posix
def test_a_program_that_hangs_is_given_up(
    bin_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clipboard, "PATIENCE", 0.2)
    program(bin_folder, "xclip", "exec /bin/sleep 60")
    assert handed_over("Ahoy" * 100_000, DESKTOP) is None


@posix
def test_a_program_that_stays_to_serve_the_clipboard_holds_nobody_up(bin_folder: Path) -> None:
    program(bin_folder, "xclip", "/bin/cat > /dev/null; /bin/sleep 5 & exit 0")
    assert handed_over("Ahoy", DESKTOP) == "xclip"


def test_over_ssh_the_programs_of_this_machine_are_left_alone() -> None:
    assert list(programs({**DESKTOP, "SSH_CONNECTION": "a b c d"})) == []
    assert ["xclip", "-selection", "clipboard"] in programs(DESKTOP)
    assert ["wl-copy"] not in programs(DESKTOP)


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[list[str]]:
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    command = ["tmux", "-S", str(tmp_path / "socket"), "-f", "/dev/null"]
    subprocess.run([*command, "new-session", "-d", "sleep 60"], check=True)
    yield command
    subprocess.run([*command, "kill-server"], check=False)


def test_tmux_takes_the_text_for_its_terminal(
    tmux: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = {"TMUX": f"{tmp_path}/socket,1,0", "SSH_TTY": "/dev/pts/1"}
    monkeypatch.setenv("TMUX", inside["TMUX"])
    assert handed_over("Ahoy, Ä", inside) == "tmux"
    shown = subprocess.run([*tmux, "show-buffer"], check=True, capture_output=True)
    assert shown.stdout.decode() == "Ahoy, Ä"


def test_a_terminal_gets_the_text_in_base_64_and_tmux_gets_it_wrapped() -> None:
    sequence = f"\x1b]52;c;{base64.b64encode('Ä'.encode()).decode()}\x07"
    assert osc52("Ä", tmux=False) == sequence
    assert osc52("Ä", tmux=True) == f"\x1bPtmux;\x1b{sequence}\x1b\\"


def test_what_is_too_long_for_a_terminal_is_not_sent_at_all() -> None:
    longest = MOST_BASE64 // 4 * 3
    assert osc52("a" * longest, tmux=False) is not None
    assert osc52("a" * (longest + 1), tmux=False) is None


def test_what_is_pasted_drives_no_terminal() -> None:
    for payload in PAYLOADS:
        pasted = pasteable(f"a\tb\r\n{payload}")
        assert pasted.startswith("a\tb\n")
        assert all(char in "\n\t" or ord(char) >= 32 for char in pasted), repr(payload)
        assert not any(127 <= ord(char) < 160 for char in pasted), repr(payload)
        pasted.encode()
