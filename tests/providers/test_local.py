"""The embedded model: the real engine in its own process, with the real weights."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import openai
import pytest

from chatcli.errors import EngineUnavailable, UsageError
from chatcli.providers import engine, engine_run
from chatcli.providers.base import Endpoint
from chatcli.providers.local import LocalEngine, weights_for
from tests.support.embedded import weights

__all__ = ["weights"]

posix_only = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def found(name: str, cache: Path) -> Path:
    return weights_for(name, cache, progress=lambda done, total: None, cancelled=lambda: False)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache folder with one pulled model in it."""
    models = tmp_path / "cache" / "models"
    models.mkdir(parents=True)
    (models / "qwen3.gguf").write_bytes(b"GGUF")
    return tmp_path / "cache"


@pytest.mark.parametrize("name", ["qwen3", "qwen3.gguf"])
def test_a_name_means_a_file_in_the_models_folder(cache: Path, name: str) -> None:
    assert found(name, cache) == cache / "models" / "qwen3.gguf"


def test_a_path_means_that_file(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = tmp_path / "mine.gguf"
    weights.write_bytes(b"GGUF")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for spelling in (str(weights), "mine.gguf", "./mine.gguf", "~/mine.gguf"):
        assert found(spelling, cache) == weights


def test_an_unknown_name_is_answered_with_those_there_are(cache: Path) -> None:
    with pytest.raises(UsageError, match="no local model `llama`") as caught:
        found("llama", cache)
    assert "qwen3, smollm2" in caught.value.hint


@pytest.mark.parametrize("name", ["/no/such.gguf", "none.gguf", "../models/none"])
def test_a_path_without_a_file_is_refused(cache: Path, name: str) -> None:
    with pytest.raises(UsageError, match=f"there is no file {name}"):
        found(name, cache)


def test_what_is_no_gguf_file_is_refused(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "page.gguf").write_text("<!doctype html>")
    with pytest.raises(UsageError, match="is not a GGUF file"):
        found(str(tmp_path / "page.gguf"), cache)
    with pytest.raises(UsageError, match="is not a file"):
        found(str(tmp_path), cache)


@posix_only
def test_a_pipe_is_refused_and_not_waited_for(cache: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.gguf")
    with pytest.raises(UsageError, match="is not a file"):
        found(str(tmp_path / "pipe.gguf"), cache)


def test_without_the_extra_it_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with pytest.raises(EngineUnavailable, match="needs the extra `local`") as caught:
        LocalEngine(tmp_path / "any.gguf").endpoint()
    assert caught.value.hint.endswith("pip install xllamacpp")


MALLOC = """\
0.00.373.325 E ggml_aligned_malloc: insufficient memory (attempted to allocate 180.00 MB)
0.00.373.348 E cmn  common_init_: failed to create context with model 'model.gguf'
"""


@pytest.mark.parametrize(
    ("code", "log", "words"),
    [
        (0, MALLOC, "there is not enough memory to run model.gguf"),
        (-9, "", "there is not enough memory to run model.gguf"),
        (-4, "", "it crashed with SIGILL"),
        (3, "", "it ended with code 3"),
        (1, "libgomp: Thread creation failed\n", "libgomp: Thread creation failed"),
    ],
)
@posix_only
def test_how_the_engine_ended_becomes_one_line(
    tmp_path: Path, code: int, log: str, words: str
) -> None:
    weights = tmp_path / "model.gguf"
    weights.touch()
    fault = engine_run._fault(weights, code, engine_run._first_error(log))
    assert fault.message.endswith(words)


@pytest.mark.parametrize(("trained", "context"), [(8_192, 0), (16_384, 0), (131_072, 16_384)])
def test_a_context_of_book_length_is_cut(tmp_path: Path, trained: int, context: int) -> None:
    header = b"GGUF\3\0\0\0" + b"llama.context_length\4\0\0\0" + trained.to_bytes(4, "little")
    (tmp_path / "model.gguf").write_bytes(header)
    assert engine._context(tmp_path / "model.gguf", engine.LONGEST_CONTEXT) == context


@pytest.fixture(scope="module")
def running(weights: Path) -> Iterator[LocalEngine]:
    embedded = LocalEngine(weights)
    yield embedded
    embedded.close()


def pid_of(embedded: LocalEngine) -> int:
    assert embedded._run is not None
    wait_until(lambda: embedded._run is not None and embedded._run._process is not None)
    process = embedded._run._process
    assert process is not None
    return process.pid


def is_running(pid: int) -> bool:
    """Whether the process lives; one that nobody has reaped yet doesn't."""
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.strip()
    return state != "" and not state.startswith("Z")


def wait_until(done: Callable[[], bool], *, within: float = 20) -> None:
    deadline = time.monotonic() + within
    while not done():
        assert time.monotonic() < deadline, f"not within {within} s"
        time.sleep(0.02)


def get(endpoint: Endpoint, path: str, *, method: str = "GET") -> http.client.HTTPResponse:
    """Ask the engine what only a web page would ask: without a key, from another origin."""
    host = endpoint.base_url.removeprefix("http://").removesuffix("/v1")
    connection = http.client.HTTPConnection(host, timeout=10)
    connection.request(method, path, headers={"Origin": "https://elsewhere.example"})
    return connection.getresponse()


@pytest.mark.embedded
def test_it_answers_through_the_openai_client(running: LocalEngine) -> None:
    endpoint = running.endpoint()
    assert (endpoint.model, endpoint.context_window) == ("smollm2", 8192)
    with openai.OpenAI(base_url=endpoint.base_url, api_key=endpoint.api_key) as client:
        texts, used = [], []
        for _ in range(2):
            chunks = list(
                client.chat.completions.create(
                    model=endpoint.model or "",
                    messages=[{"role": "user", "content": "Hello! Who are you, and where?"}],
                    stream=True,
                    stream_options={"include_usage": True},
                    temperature=0,
                    max_completion_tokens=16,
                )
            )
            parts = [c.choices[0].delta.content for c in chunks if c.choices]
            texts.append("".join(part or "" for part in parts))
            used.append(next(c.usage for c in chunks if c.usage))
    assert all(text.strip() for text in texts)
    assert 0 < used[0].completion_tokens <= 16
    # What it has read once it does not read again, which is what keeps a long chat quick.
    details = used[1].prompt_tokens_details
    assert details is not None
    assert (details.cached_tokens or 0) > used[1].prompt_tokens // 2


@pytest.mark.embedded
def test_a_web_page_gets_nothing_from_it(running: LocalEngine) -> None:
    endpoint = running.endpoint()
    assert get(endpoint, "/v1/models").status == 401
    preflight = get(endpoint, "/v1/chat/completions", method="OPTIONS")
    assert preflight.getheader("Access-Control-Allow-Origin", "") == ""


@pytest.mark.embedded
@linux_only
def test_the_key_is_not_where_other_processes_can_read_it(running: LocalEngine) -> None:
    key = running.endpoint().api_key
    assert key is not None
    process = Path("/proc", str(pid_of(running)))
    assert key.encode() not in process.joinpath("cmdline").read_bytes()
    assert key.encode() not in process.joinpath("environ").read_bytes()
    assert key not in repr(running.endpoint())


@pytest.mark.embedded
def test_starting_twice_starts_one(running: LocalEngine) -> None:
    pid = pid_of(running)
    running.start()
    assert pid_of(running) == pid
    assert running.endpoint() == running.endpoint()


@pytest.mark.embedded
@posix_only
def test_an_engine_that_was_killed_is_replaced(running: LocalEngine) -> None:
    first = running.endpoint()
    os.kill(pid_of(running), signal.SIGKILL)
    assert running._run is not None
    wait_until(running._run.has_died)
    second = running.endpoint()
    assert second.base_url != first.base_url
    assert get(second, "/health").status == 200


@pytest.mark.embedded
@pytest.mark.parametrize("ready", [True, False], ids=["ready", "loading"])
def test_closing_ends_it_at_once_and_for_good(weights: Path, ready: bool) -> None:
    embedded = LocalEngine(weights)
    begun = time.monotonic()
    embedded.start()
    assert time.monotonic() - begun < 0.4
    if ready:
        embedded.endpoint()
    pid = pid_of(embedded)
    begun = time.monotonic()
    embedded.close()
    embedded.close()
    assert time.monotonic() - begun < 2 * engine_run.STOP_WITHIN
    assert not is_running(pid)
    with pytest.raises(EngineUnavailable, match="was closed"):
        embedded.endpoint()


@pytest.mark.embedded
def test_one_that_loads_for_too_long_is_not_waited_for(weights: Path) -> None:
    embedded = LocalEngine(weights)
    with pytest.raises(EngineUnavailable, match="still loading") as caught:
        embedded.endpoint(timeout=0.01)
    assert caught.value.retryable
    assert embedded.endpoint().model == "smollm2"
    embedded.close()


@pytest.mark.embedded
def test_weights_that_broke_off_are_named(
    weights: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    half = tmp_path / "half.gguf"
    with weights.open("rb") as whole:
        half.write_bytes(whole.read(20_000_000))
    embedded = LocalEngine(half)
    for _ in range(2):
        with pytest.raises(EngineUnavailable, match="corrupted or incomplete") as caught:
            embedded.endpoint()
        assert str(half) in caught.value.message
    half.unlink()
    with pytest.raises(EngineUnavailable, match="the weights are gone"):
        embedded.endpoint()
    assert capfd.readouterr() == ("", "")


PARENT = """
    import signal, sys, time
    from pathlib import Path
    from chatcli.providers.local import LocalEngine
    signal.signal(signal.SIGINT, lambda *_: print("interrupted", flush=True))
    embedded = LocalEngine(Path(sys.argv[1]))
    embedded.start()
    if sys.argv[2] != "loading":
        embedded.endpoint()
    while embedded._run._process is None:
        time.sleep(0.01)
    print(embedded._run._process.pid, flush=True)
    if sys.argv[2] != "ends":
        time.sleep(60)
"""


def parent_of_an_engine(weights: Path, how: str) -> subprocess.Popen[str]:
    """Start a chat that prints the id of its engine's process; it leads its own process group."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PARENT), str(weights), how],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.embedded
@posix_only
@pytest.mark.parametrize("how", ["ready", "loading"])
def test_the_engine_does_not_outlive_a_killed_parent(weights: Path, how: str) -> None:
    with parent_of_an_engine(weights, how) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_running(pid)
        parent.kill()
        wait_until(lambda: not is_running(pid), within=3)


@pytest.mark.embedded
@posix_only
def test_ctrl_c_in_the_terminal_is_not_for_the_engine(weights: Path) -> None:
    with parent_of_an_engine(weights, "ready") as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        os.killpg(parent.pid, signal.SIGINT)
        assert parent.stdout.readline() == "interrupted\n"
        os.kill(pid, signal.SIGINT)
        time.sleep(0.2)
        assert is_running(pid)
        parent.kill()


@pytest.mark.embedded
@posix_only
def test_a_parent_that_closes_nothing_ends_cleanly_and_silently(weights: Path) -> None:
    with parent_of_an_engine(weights, "ends") as parent:
        out, err = parent.communicate(timeout=20)
    assert (parent.returncode, err) == (0, "")
    assert not is_running(int(out))
