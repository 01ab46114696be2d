"""/theme /set: how things are shown from here on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeAlias

from chatcli.commands.registry import Chat, Choice, command
from chatcli.conversation.events import Event, Preference
from chatcli.errors import UsageError

Put: TypeAlias = Callable[[Chat, str | None], Iterator[Event]]
"""Puts a setting to a value, or tells what it is where there is none. Raises UsageError."""

_LOOKS: Final = {
    "light": "for a light background",
    "dark": "for a dark background",
    "mono": "without colours",
}
_THOUGHTS: Final = ("off", "brief", "full")


def _looks(_chat: Chat) -> Iterable[Choice]:
    return [Choice(name, about) for name, about in _LOOKS.items()]


@command("tools", "[light|dark|mono]", complete=_looks)
def theme(_chat: Chat, arguments: str) -> Iterator[Event]:
    """Show or set the colours: for a light background, for a dark one, or none.

    Without a choice the terminal's background decides, where it tells what that is; `theme` in
    config.toml decides for every chat. NO_COLOR and --plain are stronger.

    Example: /theme light
    """
    if arguments and arguments not in _LOOKS:
        raise UsageError(f"there is no theme `{arguments}`", f"one of {', '.join(_LOOKS)}")
    yield Preference("theme", arguments or None)


def _settings(_chat: Chat) -> Iterable[Choice]:
    return [Choice(name, (put.__doc__ or "").partition("\n")[0]) for name, put in SETTINGS.items()]


@command("voice", "[KEY VALUE]", complete=_settings)
def set_(chat: Chat, arguments: str) -> Iterator[Event]:
    """Show the settings of this chat, or change one from here on.

    reasoning is off, brief or full: how much is shown of what the model thinks aloud. It is never
    kept nor sent again.

    Example: /set reasoning full
    """
    key, _, value = arguments.partition(" ")
    if key and key not in SETTINGS:
        raise UsageError(f"there is no setting `{key}`", f"one of {', '.join(SETTINGS)}")
    for name in [key] if key else SETTINGS:
        yield from SETTINGS[name](chat, value.strip() or None)


def reasoning(_chat: Chat, value: str | None) -> Iterator[Event]:
    """Show what the model thinks aloud: off, brief or full."""
    if value is not None and value not in _THOUGHTS:
        raise UsageError(f"reasoning can't be `{value}`", f"one of {', '.join(_THOUGHTS)}")
    yield Preference("reasoning", value)


SETTINGS: Final[dict[str, Put]] = {"reasoning": reasoning}
"""What /set can set. A new one is a function and its line here."""
