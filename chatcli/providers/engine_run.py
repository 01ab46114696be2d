"""One process of the embedded model: how it is started, what it reports, how it ends."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Final

from chatcli.errors import EngineUnavailable
from chatcli.installing import install_line, installed
from chatcli.providers import engine
from chatcli.providers.base import Endpoint

STOP_WITHIN: Final = 1.0
CLOSED: Final = "the embedded model was closed"

_NO_MEMORY: Final = re.compile(
    r"insufficient memory|failed to allocate|Cannot allocate|MemoryError"
)


def check_available() -> None:
    """Raise EngineUnavailable where the extra `local` is not installed. Imports nothing."""
    if not installed("local"):
        raise EngineUnavailable("the embedded model needs the extra `local`", install_line("local"))


class Run:
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
