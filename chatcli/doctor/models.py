"""The models: the embedded one, and each profile that is set up, asked for one token."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, as_completed
from contextlib import suppress
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from chatcli.conversation.messages import Message
from chatcli.conversation.ports import Finish
from chatcli.doctor.finding import Finding
from chatcli.errors import ChatcliError, UsageError
from chatcli.installing import install_line, installed
from chatcli.inventory import keys_of, sound_profiles
from chatcli.providers.base import is_loopback
from chatcli.providers.models import Models
from chatcli.providers.profiles import LOCAL, PROFILES, profiles_of, resolve
from chatcli.settings import Settings

WITHIN: Final = 20.0
"""Seconds that a model may take for its one token."""

KNOCK_WITHIN: Final = 0.3
_QUESTION: Final = Message("user", "Say OK.")
_TOO_SHORT: Final = "output limit was reached"
"""What OpenAI says where a model would have thought for more than its one token."""


def local(settings: Settings) -> Iterator[Finding]:
    """Tell whether the embedded model is installed, and its weights fetched and whole."""
    from chatcli.providers.hub.progress import amount_of
    from chatcli.providers.verified import is_verified, models_folder
    from chatcli.providers.weights import SMOLLM2

    if not installed("local"):
        yield Finding(LOCAL, "note", f"the engine is not installed: {install_line('local')}")
        return
    weights = models_folder(settings.folders.cache) / SMOLLM2.filename
    if not weights.exists():
        size = amount_of(SMOLLM2.wheel_size)
        told = f"the engine is installed; its weights ({size}) are fetched when it is asked"
        yield Finding(LOCAL, "good", told)
    elif is_verified(weights, SMOLLM2.sha256, SMOLLM2.size):
        yield Finding(LOCAL, "good", f"the engine is installed, its weights are in {weights}")
        yield _asked(settings, LOCAL)
    else:
        told = f"{weights} is not what was fetched (its SHA-256 differs)"
        yield Finding(LOCAL, "bad", told, "remove it: it is fetched again")


def profiles(settings: Settings, *, offline: bool) -> Iterator[Finding]:
    """Ask each profile that is set up, at once, and tell how that went as they answer."""
    settings = sound_profiles(settings)
    names, idle = _set_up(settings)
    for found in keys_of(settings):
        if found.problem is not None:
            yield Finding(found.profile, "bad", found.problem.message, found.problem.hint)
        else:
            key = " ".join(part for part in ("key", found.masked, "from", found.source) if part)
            yield Finding(found.profile, "note", key)
    yield from _chosen(settings)
    if not names and not installed("local"):
        line = install_line("local")
        hint = f"{line}, or chatcli config key set openai, or start a server, as Ollama is one"
        yield Finding("models", "bad", "nothing is set up that could answer", hint)
    if idle:
        yield Finding("models", "note", f"nothing listens for {', '.join(idle)}")
    if names and offline:
        yield Finding("models", "note", f"not asked (--offline): {', '.join(names)}")
    elif names:
        yield Finding("models", "note", f"asking for one token each: {', '.join(names)}")
        yield from _answers(settings, names)


def _chosen(settings: Settings) -> Iterator[Finding]:
    """Tell where the model that is set, or its fallback, is none that could be asked."""
    told = {str(found.problem) for found in keys_of(settings)}
    for name, spec in (("model", settings.model), ("fallback", settings.fallback)):
        try:
            if spec is not None:
                resolve(settings, spec)
        except UsageError as error:
            # What is wrong with a key is told of already.
            if str(error) not in told:
                yield Finding("models", "bad", f"{name}: {error.message}", error.hint)


def _set_up(settings: Settings) -> tuple[list[str], list[str]]:
    """Return the profiles that can be asked, and those of this machine where nobody listens.

    Set up is what has a key, or a base URL that is the user's own, or a server that listens here.
    """
    keyed = {found.profile for found in keys_of(settings) if found.problem is None}
    refused = {found.profile for found in keys_of(settings) if found.problem is not None}
    names: list[str] = []
    idle: list[str] = []
    for name, profile in profiles_of(settings).items():
        if name == LOCAL or not profile.base_url or name in refused:
            continue
        own = profile.base_url != getattr(PROFILES.get(name), "base_url", None)
        if name in keyed or own:
            names.append(name)
        elif is_loopback(profile.base_url):
            (names if _listens(profile.base_url) else idle).append(name)
    return names, idle


def _listens(base_url: str) -> bool:
    parts = urlsplit(base_url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    with suppress(OSError), socket.create_connection((parts.hostname or "", port), KNOCK_WITHIN):
        return True
    return False


def _answers(settings: Settings, names: Sequence[str]) -> Iterator[Finding]:
    """Ask all of them at once, and yield what each answers as it comes.

    The threads hold nobody up: after Ctrl-C there is no waiting for a server that says nothing.
    """
    answers: list[Future[Finding]] = [Future() for _ in names]
    for name, answer in zip(names, answers, strict=True):
        threading.Thread(target=_answer, args=(settings, name, answer), daemon=True).start()
    for answer in as_completed(answers):
        yield answer.result()


def _answer(settings: Settings, name: str, answer: Future[Finding]) -> None:
    try:
        answer.set_result(_asked(settings, name))
    except BaseException as error:  # noqa: BLE001 - whoever waits for the result raises it again
        answer.set_exception(error)


def _asked(settings: Settings, name: str) -> Finding:
    """Ask a profile's model for one token."""
    hurried = replace(settings, first_token_timeout=WITHIN, token_timeout=WITHIN)
    models = Models(hurried)
    began = time.monotonic()
    try:
        model = models.use(_spec(settings, name))
        model.parameters = replace(model.parameters, max_reply=1)
        reply = model.stream([_QUESTION])
        clock = threading.Timer(WITHIN, reply.close)
        clock.start()
        try:
            finish = next((delta for delta in reply if isinstance(delta, Finish)), None)
        finally:
            clock.cancel()
    except ChatcliError as error:
        if _TOO_SHORT not in str(error):
            return Finding(name, "bad", error.message, _mending(error.hint_for_the_shell))
        finish = Finish("length")
    finally:
        models.close()
    if finish is None:
        return Finding(name, "bad", f"no answer within {WITHIN:.0f} s", "ask it again later")
    seconds = time.monotonic() - began
    return Finding(name, "good", f"{finish.model or model.model} answered in {seconds:.1f} s")


def _mending(hint: str) -> str:
    """Return the advice of an error, if it is of use to somebody who looks at all of this."""
    useful = hint and "chatcli doctor" not in hint
    return hint if useful else "check the profile's address, key and model"


def _spec(settings: Settings, name: str) -> str:
    """Return what to ask of a profile: the model that is set, if it is one of its own."""
    with suppress(UsageError):
        chosen = resolve(settings)
        if chosen.profile == name:
            return chosen.name
    return name
