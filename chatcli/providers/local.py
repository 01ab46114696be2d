"""The embedded model `local`: which weights it uses, and the process that runs them.

The engine is a child process (`providers.engine`), so that a model that loads, crashes or fills the
memory takes nothing else with it, and typing never waits for it.
"""

from __future__ import annotations

import json
import re
import secrets
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Final

from chatcli.errors import EngineUnavailable, UsageError
from chatcli.installing import install_line, installed
from chatcli.providers import engine
from chatcli.providers.base import Endpoint
from chatcli.providers.hub.shelf import first_file, not_here
from chatcli.providers.verified import models_folder
from chatcli.providers.weights import SMOLLM2, Progress, fetch_default

DEFAULT_NAME: Final = "smollm2"

START_WITHIN: Final = 120.0
STOP_WITHIN: Final = 1.0
CLOSED: Final = "the embedded model was closed"

_NO_MEMORY: Final = re.compile(
    r"insufficient memory|failed to allocate|Cannot allocate|MemoryError"
)


def available() -> bool:
    """Whether the extra `local` is installed. Cheap: nothing is imported."""
    return installed("local")


def check_available() -> None:
    """Raise EngineUnavailable where the extra `local` is not installed."""
    if not available():
        raise EngineUnavailable(
            "the embedded model needs the extra `local`",
            install_line("local"),
        )


def weights_for(
    name: str | None, cache: Path, *, progress: Progress, cancelled: Callable[[], bool]
) -> Path:
    """Return the GGUF file that `--model local:NAME` means.

    None and `smollm2` are the default weights, fetched where `cache` has none. Anything else is the
    name of weights in the cache's models folder, with or without `.gguf`, or the path of a file; of
    weights in parts, the first is returned, which leads llama.cpp to the others.
    Raises UsageError where there is no such file, EngineUnavailable where the fetch fails.
    """
    if name is None or name == DEFAULT_NAME:
        return fetch_default(cache, progress=progress, cancelled=cancelled)
    models = models_folder(cache)
    is_name = Path(name).name == name
    candidates = [first_file(models, name), models / name] if is_name else []
    for path in (*candidates, Path(name).expanduser()):
        if path is not None and path.exists():
            _check_gguf(path)
            return path.absolute()
    if not is_name or name.endswith(".gguf"):
        raise UsageError(f"there is no file {name}")
    raise not_here(models, name)


def _check_gguf(path: Path) -> None:
    if not path.is_file():
        raise UsageError(f"{path} is not a file", "give the path of a GGUF file")
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror}") from error
    if magic != b"GGUF":
        raise UsageError(f"{path} is not a GGUF file", "llama.cpp reads no other format")


class LocalEngine:
    """The embedded model as an endpoint, started in the background and restarted when it dies.

    All methods may be called from any thread. An engine that nobody closes ends with its process.
    """

    def __init__(self, weights: Path, *, context: int = 0) -> None:
        """`context` is in tokens; 0 is what the model was trained on, within reason."""
        name = DEFAULT_NAME if weights.name == SMOLLM2.filename else weights.stem
        self._request = engine.Request(
            weights=str(weights),
            name=name,
            api_key=secrets.token_urlsafe(24),
            context=context,
        )
        self._lock = threading.Lock()
        self._run: _Run | None = None
        self._closed = False

    def start(self) -> None:
        """Begin to load the model, unless that has been done, and return at once."""
        with self._lock:
            self._running()

    def endpoint(self, timeout: float = START_WITHIN) -> Endpoint:
        """Return where the model answers, waiting up to `timeout` seconds for it to load.

        Raises EngineUnavailable. A restart has another port, so ask again before each request.
        """
        with self._lock:
            run = self._running()
        try:
            return run.endpoint.result(timeout)
        except TimeoutError as error:
            raise EngineUnavailable(
                f"the embedded model is still loading after {timeout:.0f} s",
                "wait and try again, or use smaller weights",
                retryable=True,
            ) from error
        except EngineUnavailable:
            with self._lock:
                if self._run is run:
                    self._run = None
            raise

    def close(self) -> None:
        """End the engine; takes a second at most."""
        with self._lock:
            self._closed = True
            if self._run is not None:
                self._run.stop()

    def _running(self) -> _Run:
        if self._closed:
            raise EngineUnavailable(CLOSED)
        if self._run is None or self._run.has_died():
            self._run = _Run(self._request)
            weakref.finalize(self, self._run.stop)
        return self._run


class _Run:
    """One process of the engine, from the request to its end."""

    def __init__(self, request: engine.Request) -> None:
        self.endpoint: Future[Endpoint] = Future()
        self._request = request
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False
        threading.Thread(target=self._load, name="engine", daemon=True).start()

    def has_died(self) -> bool:
        """Whether the process is gone after it had been ready."""
        if not self.endpoint.done() or self.endpoint.exception() is not None:
            return False
        return self._process is not None and self._process.poll() is not None

    def stop(self) -> None:
        self._stopped = True
        process = self._process
        if process is None or process.poll() is not None:
            return
        assert process.stdin is not None
        with suppress(OSError):
            process.stdin.close()
        try:
            process.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _load(self) -> None:
        try:
            self.endpoint.set_result(self._loaded())
        except EngineUnavailable as error:
            self.endpoint.set_exception(error)
        except OSError as error:
            fault = EngineUnavailable(f"the embedded model can't be started: {error}")
            self.endpoint.set_exception(fault)

    def _loaded(self) -> Endpoint:
        check_available()
        with TemporaryFile() as log:
            process = self._process = _spawn(log)
            if self._stopped:  # before there was a process to stop
                self.stop()
            report = _exchange(process, self._request)
            if "address" not in report:
                code = process.wait()
                if self._stopped:
                    raise EngineUnavailable(CLOSED)
                log.seek(0)
                cause = _first_error(log.read(1 << 16).decode("utf-8", "replace"))
                raise _fault(Path(self._request["weights"]), code, cause or report.get("error", ""))
        return Endpoint(
            base_url=f"{report['address']}/v1",
            api_key=self._request["api_key"],
            model=self._request["name"],
            context_window=report["context_window"],
        )


def _spawn(log: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start the engine away from the terminal: Ctrl-C there is not for it."""
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
    return subprocess.Popen(  # noqa: S603 - this very interpreter, no shell
        # -P: nothing is imported from the current folder, nor from this one with its openai.py.
        [sys.executable, "-P", engine.__file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        creationflags=flags,
        start_new_session=True,
    )


def _exchange(process: subprocess.Popen[bytes], request: engine.Request) -> dict[str, Any]:
    """Send the request and return the report, empty where the process ends without one."""
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(OSError):
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.flush()
    with process.stdout as stdout:
        line = stdout.readline()
    return dict(json.loads(line)) if line.endswith(b"\n") else {}


def _first_error(log: str) -> str:
    """Return what llama.cpp logged first, which is the cause; the rest is who heard of it."""
    error = re.search(r"^\S+ E +(?:\w+ +)?\w+: (?:error loading model: )?(.+)", log, re.MULTILINE)
    line = error[1] if error else log.strip().rpartition("\n")[2]
    return " ".join(line.split())[:200]


def _fault(weights: Path, code: int, cause: str) -> EngineUnavailable:
    """Put into words why the engine ended with exit code `code` while it loaded `weights`."""
    if not weights.is_file():
        return EngineUnavailable(f"the weights are gone: {weights}")
    if code == -9 or _NO_MEMORY.search(cause):
        return EngineUnavailable(
            f"there is not enough memory to run {weights.name}",
            "close other programs, or use smaller weights",
        )
    if code < 0 and not cause:
        cause = f"it crashed with {signal.Signals(-code).name}"
    return EngineUnavailable(
        f"llama.cpp can't run {weights}: {cause or f'it ended with code {code}'}",
        "fetch the file again, or use another: --model local:PATH",
    )
