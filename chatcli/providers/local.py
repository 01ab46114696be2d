"""The embedded model `local`: which weights it uses, and the process that runs them.

The engine is a child process (`providers.engine`), so that a model that loads, crashes or fills the
memory takes nothing else with it, and typing never waits for it.
"""

from __future__ import annotations

import secrets
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Final

from chatcli.errors import EngineUnavailable, UsageError
from chatcli.providers import engine
from chatcli.providers.base import Endpoint
from chatcli.providers.engine_run import CLOSED, Run
from chatcli.providers.hub.shelf import first_file, not_here
from chatcli.providers.verified import models_folder
from chatcli.providers.weights import SMOLLM2, Progress, fetch_default

DEFAULT_NAME: Final = "smollm2"

START_WITHIN: Final = 120.0


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
        self._run: Run | None = None
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

    def _running(self) -> Run:
        if self._closed:
            raise EngineUnavailable(CLOSED)
        if self._run is None or self._run.has_died():
            self._run = Run(self._request)
            weakref.finalize(self, self._run.stop)
        return self._run
