"""Which models each endpoint lists: remembered for a day, and asked for beside whatever goes on.

It is there for completion, so it answers at once with what it knows, and says nothing of what goes
wrong: an endpoint that can't be asked has no models to offer. What is remembered is one small JSON
file in the cache, with an entry for each profile and address.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chatcli.errors import ChatcliError
from chatcli.providers.jsonfile import read_json, write_json
from chatcli.providers.profiles import LOCAL, SMOLLM2, profiles_of
from chatcli.settings import Settings

FILE: Final = "models.json"
FRESH_FOR: Final = 24 * 3600.0
"""Seconds after which an endpoint is asked again."""

NOT_AGAIN_FOR: Final = 60.0
"""Seconds for which an endpoint that could not be asked is left alone."""

FIRST_ANSWER_WITHIN: Final = 0.5
"""Seconds that one who knows nothing yet waits for an endpoint, which one at hand answers in."""

MOST_MODELS: Final = 2000
MOST_ENDPOINTS: Final = 50
LONGEST_ID: Final = 200
_MOST_BYTES: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Listed:
    """What an endpoint has listed, and when that was, in seconds since 1970."""

    models: tuple[str, ...]
    at: float


class Catalog:
    """The models that the profiles' endpoints list. All methods may be called from any thread."""

    def __init__(
        self,
        settings: Settings,
        path: Path | None = None,
        ask: Callable[[Settings, str], list[str]] | None = None,
    ) -> None:
        """`path` is where it is remembered, None for this run only.

        `ask` returns what a profile's endpoint lists, or raises ChatcliError.
        """
        self._settings = settings
        self._path = path
        self._ask = ask or listed_by
        self._guard = threading.Lock()
        self._listed: dict[str, _Listed] | None = None
        self._asking: dict[str, threading.Thread] = {}
        self._asked_in_vain: dict[str, float] = {}

    def models(self, profile: str) -> tuple[str, ...]:
        """Return the models of a profile; its endpoint is asked beside that, if it has to be."""
        if profile == LOCAL:
            return local_names(self._settings)
        known = self._entry(profile)
        if known is not None and time.time() - known.at < FRESH_FOR:
            return known.models
        asking = self._refresh(profile)
        if known is None and asking is not None:
            asking.join(FIRST_ANSWER_WITHIN)
            known = self._entry(profile)
        return known.models if known else ()

    def known(self, profile: str) -> tuple[str, ...]:
        """Return the models of a profile as far as they are remembered; nobody is asked."""
        if profile == LOCAL:
            return local_names(self._settings)
        known = self._entry(profile)
        return known.models if known else ()

    def learn(self, profile: str, models: Sequence[str]) -> None:
        """Remember what a profile's endpoint has listed."""
        usable = [each for each in models if each.isprintable() and 0 < len(each) <= LONGEST_ID]
        entry = _Listed(tuple(dict.fromkeys(usable))[:MOST_MODELS], time.time())
        with self._guard:
            # Another chatcli may have learned something meanwhile.
            listed = _read(self._path) if self._path else dict(self._listed or {})
            listed.pop(self._key(profile), None)
            listed[self._key(profile)] = entry
            for oldest in list(listed)[:-MOST_ENDPOINTS]:
                del listed[oldest]
            self._listed = listed
            if self._path is not None:
                _write(self._path, listed)

    def _entry(self, profile: str) -> _Listed | None:
        with self._guard:
            if self._listed is None:
                self._listed = _read(self._path) if self._path else {}
            return self._listed.get(self._key(profile))

    def _key(self, profile: str) -> str:
        """Return what a profile at its present address is remembered by.

        An address may hold a password, which has no place in a file: a hash of it tells as much.
        """
        known = profiles_of(self._settings).get(profile)
        address = known.base_url if known else ""
        return f"{profile} {hashlib.sha256(address.encode()).hexdigest()[:16]}"

    def _refresh(self, profile: str) -> threading.Thread | None:
        """Have the endpoint asked, once at a time, and not again soon after it failed."""
        with self._guard:
            running = self._asking.get(profile)
            if running is not None and running.is_alive():
                return running
            if time.monotonic() - self._asked_in_vain.get(profile, -NOT_AGAIN_FOR) < NOT_AGAIN_FOR:
                return None
            asking = threading.Thread(
                target=self._learn_from, args=(profile,), name="catalog", daemon=True
            )
            self._asking[profile] = asking
            asking.start()
            return asking

    def _learn_from(self, profile: str) -> None:
        try:
            self.learn(profile, self._ask(self._settings, profile))
        except ChatcliError:
            self._asked_in_vain[profile] = time.monotonic()


def listed_by(settings: Settings, profile: str) -> list[str]:
    """Ask a profile's endpoint for its models. Raises ChatcliError."""
    from chatcli.providers.models import Models

    models = Models(settings)
    try:
        return models.use(profile).models()
    finally:
        models.close()


def local_names(settings: Settings) -> tuple[str, ...]:
    """Return what `local:NAME` can name: the default weights, and those that are here."""
    from chatcli.providers.hub.shelf import kept
    from chatcli.providers.verified import models_folder

    here = [each.name for each in kept(models_folder(settings.folders.cache)) if each.whole]
    return (SMOLLM2, *(name for name in here if name != SMOLLM2))


def _read(path: Path) -> dict[str, _Listed]:
    stored = read_json(path, _MOST_BYTES)
    found = stored.items() if isinstance(stored, dict) else ()
    return {key: entry for key, each in found if (entry := _entry_in(each)) is not None}


def _entry_in(stored: object) -> _Listed | None:
    match stored:
        case {"at": int() | float() as at, "models": list(models)} if at <= time.time():
            known = (each for each in models if isinstance(each, str) and each.isprintable())
            return _Listed(tuple(known)[:MOST_MODELS], at)
        case _:
            return None


def _write(path: Path, listed: dict[str, _Listed]) -> None:
    """Keep what is known; where it can't be written, it is asked for again."""
    stored = {key: {"at": each.at, "models": each.models} for key, each in listed.items()}
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_json(path, stored)
