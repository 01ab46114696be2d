"""A key that gets out fails the test that it got out of."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support.canary import CANARY, left_in

EXAMPLE = Path(__file__).with_name("canary_example.py")


def test_each_way_out_is_noticed() -> None:
    """The example has five tests that let a key out and would pass otherwise, and one clean one."""
    environ = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", str(EXAMPLE)],
        cwd=EXAMPLE.parents[1],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    for name in ("left_in_a_file", "printed", "logged", "in_what_the_program", "on_a_terminal"):
        assert f"test_a_key_is_{name}" in done.stdout
    assert done.stdout.count("a key got out: ") >= 5
    assert "test_no_key_gets_out" not in done.stdout


def test_files_that_are_there_to_hold_keys_are_let_be(tmp_path: Path) -> None:
    for name in (".env", "keys.toml", "prints.secret"):
        (tmp_path / name).write_text(CANARY)
    assert list(left_in(tmp_path)) == []
    (tmp_path / "learned.json").write_bytes(b"\xff\0" + CANARY.encode())
    assert len(list(left_in(tmp_path))) == 1
    (tmp_path / "learned.json").unlink()


def test_a_link_and_a_pipe_are_no_files_to_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    assert list(left_in(tmp_path)) == []
