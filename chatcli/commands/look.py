"""/theme /set: how things are shown, and how replies are sampled, from here on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

from chatcli.commands.memory import AUTO, noticing
from chatcli.commands.registry import Chat, Choice, command
from chatcli.conversation.events import Event, Preference, Row, Table
from chatcli.errors import UsageError
from chatcli.parameters import EFFORTS, PARAMETERS, Sampled, from_text

Put: TypeAlias = Callable[[Chat, str | None], Iterator[Event]]
"""Puts a setting to a value, or tells what it is where there is none. Raises UsageError."""

DEFAULT: Final = "default"
"""What takes a parameter back to what it is without /set."""

_LOOKS: Final = {
    "light": "for a light background",
    "dark": "for a dark background",
    "mono": "without colours",
}
_THOUGHTS: Final = ("off", "brief", "full")


@dataclass(frozen=True, slots=True)
class Setting:
    """Something that /set sets; `values` are some that it can have."""

    put: Put
    about: str
    values: tuple[str, ...] = ()


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


def _keys(_chat: Chat) -> Iterable[Choice]:
    return [Choice(name, setting.about) for name, setting in SETTINGS.items()]


def _values(chat: Chat, key: str) -> Iterable[Choice]:
    setting = SETTINGS.get(key)
    if setting is None:
        return []
    before = next((each for each in chat.sampling() if each.name == key), None)
    back = [Choice(DEFAULT, "take back what was set")] if before else []
    here = before.value if before else None
    return [*(Choice(value, here=value == here) for value in setting.values), *back]


@command("voice", "[KEY [VALUE]]", complete=_keys, follow=_values)
def set_(chat: Chat, arguments: str) -> Iterator[Event]:
    """Show how replies are sampled and shown, or change that from here on.

    temperature, top_p, max_reply (tokens), stop, seed, reasoning_effort and extra_body go with
    every request, whichever model or persona answers; `default` takes one back. They are kept with
    the session. reasoning is off, brief or full: how much is shown of what the model thinks aloud,
    which is never kept nor sent again. memory is off or auto: whether the model is asked, after a
    turn, what is worth remembering.

    Example: /set temperature 0.2
    """
    key, _, value = arguments.partition(" ")
    if key and key not in SETTINGS:
        raise UsageError(f"there is no setting `{key}`", _meant(key))
    if key:
        yield from SETTINGS[key].put(chat, value.strip() or None)
        return
    yield Table("How replies are sampled", _COLUMNS, tuple(map(_row, chat.sampling())))
    for name, setting in SETTINGS.items():
        if name not in PARAMETERS:
            yield from setting.put(chat, None)


def _meant(key: str) -> str:
    import difflib

    near = difflib.get_close_matches(key, SETTINGS, n=1)
    return f"did you mean {near[0]}?" if near else f"one of {', '.join(SETTINGS)}"


_COLUMNS: Final = ("parameter", "value", "from")


def _row(each: Sampled) -> Row:
    if each.value is None:
        return Row((each.name, "", "the endpoint decides"), "dim")
    source = each.source if each.taken else f"{each.source}; the model does not take it"
    return Row((each.name, each.value, source), None if each.taken else "dim")


def parameter(name: str, chat: Chat, text: str | None) -> Iterator[Event]:
    """Show or choose a parameter of sampling."""
    if text is None:
        row = next(_row(each) for each in chat.sampling() if each.name == name)
        yield Table("How replies are sampled", _COLUMNS, (row,))
    elif text == DEFAULT:
        yield from chat.sample(name, None)
    else:
        try:
            value = from_text(name, text)
        except ValueError:
            told = f"{name} must be {PARAMETERS[name].expected}, not `{text}`"
            raise UsageError(told, f"/set {name} {DEFAULT} takes it back") from None
        yield from chat.sample(name, value)


def reasoning(_chat: Chat, value: str | None) -> Iterator[Event]:
    """Show or set how much is shown of what the model thinks aloud."""
    if value is not None and value not in _THOUGHTS:
        raise UsageError(f"reasoning can't be `{value}`", f"one of {', '.join(_THOUGHTS)}")
    yield Preference("reasoning", value)


_USUAL: Final[Mapping[str, tuple[str, ...]]] = {
    "temperature": ("0", "0.3", "0.7", "1"),
    "top_p": ("0.5", "0.9", "1"),
    "reasoning_effort": EFFORTS,
}

SETTINGS: Final[Mapping[str, Setting]] = {
    **{
        name: Setting(partial(parameter, name), kind.expected, _USUAL.get(name, ()))
        for name, kind in PARAMETERS.items()
    },
    "reasoning": Setting(reasoning, "show what the model thinks aloud, or not", _THOUGHTS),
    "memory": Setting(
        noticing, "have the model asked for what is worth remembering", ("off", AUTO)
    ),
}
"""What /set can set. A new one is a function and its line here."""
