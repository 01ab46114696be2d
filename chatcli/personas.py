"""Personas: Markdown files whose front matter is settings and whose body is the system prompt.

    ---
    description: A friendly pirate
    temperature: 0.5
    ---
    You are a friendly pirate…

A persona goes by its file's name. It may come from anybody and is read as data: a bounded file,
plain values, a fixed table of keys. The table is checked by hand and not by pydantic, because a
persona is loaded before the prompt is on screen and pydantic alone would take 100 ms of that.
"""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from chatcli.conversation.context import STRATEGIES
from chatcli.errors import PersonaError
from chatcli.parameters import PARAMETERS, Kind, Parameter, one_of, whole
from chatcli.plainyaml import BadYaml, read_mapping

T_co = TypeVar("T_co", covariant=True)

MAX_BYTES: Final = 256 * 1024
INJECTIONS: Final = ("turn", "date", "memory", "questions", "summary")

_NAME: Final = re.compile(r"\w[\w.-]{0,63}")
_FENCE: Final = re.compile(r"^---[ \t]*$\n?", re.MULTILINE)
_CONNECTION_KEYS: Final = re.compile(
    "(openai_?)?(api_?)?(key|token|secret|password|base(_?url)?)|authorization|headers|endpoint|proxy"
)


@dataclass(frozen=True)
class Example:
    """One exchange, sent before the conversation, that shows the model how this persona answers."""

    user: str
    assistant: str


@dataclass(frozen=True)
class Persona:
    """Who answers: a system prompt, and the settings that its author found to suit it.

    `parameters` has those of temperature, top_p, max_reply (tokens), stop (a tuple) and seed that
    the file sets. `window` is in pairs of messages, `budget` in tokens. `greeting` is for the
    user's eyes and never sent. `unknown` names the keys that mean nothing to this version.
    Text is as the author wrote it: whoever shows it makes it safe for the terminal.
    """

    name: str
    description: str
    prompt: str
    model: str | None = None
    parameters: Mapping[str, Parameter] = field(default_factory=dict, hash=False)
    strategy: str | None = None
    window: int | None = None
    budget: int | None = None
    greeting: str | None = None
    inject: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()
    source: Path | None = None
    unknown: tuple[str, ...] = ()


class PersonaStore:
    """The personas of some folders; where two have the same name, the earlier folder's counts.

    Names are matched whatever their case. A folder that does not exist holds none.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = tuple(folders)

    def names(self) -> list[str]:
        """Return the names in order. Opens no file, so that completion can ask on every key."""
        return [name for name, _ in self._files()]

    def get(self, name: str) -> Persona:
        """Return the persona of that name, or of that file where `name` is a path to one.

        Raises PersonaError.
        """
        if _is_path(name):
            return read_persona(Path(name))
        wanted = _folded(name)
        for found, path in self._files():
            if _folded(found) == wanted:
                return _read_named(path, found)
        raise PersonaError(f"no persona is named {_shown(name)}", self._suggestion(wanted))

    def broken(self) -> list[PersonaError]:
        """Return what is wrong with the files that `list` leaves out."""
        return [found for found in self._read_all() if isinstance(found, PersonaError)]

    def list(self) -> list[Persona]:
        """Return every persona that can be read, in the order of their names."""
        return [found for found in self._read_all() if isinstance(found, Persona)]

    def _read_all(self) -> Iterator[Persona | PersonaError]:
        for name, path in self._files():
            try:
                yield _read_named(path, name)
            except PersonaError as error:
                yield error

    def _files(self) -> Sequence[tuple[str, Path]]:
        found: dict[str, tuple[str, Path]] = {}
        for folder in self._folders:
            for path in _markdown_files(folder):
                name = _normal(path.stem)
                found.setdefault(_folded(name), (name, path))
        return [found[key] for key in sorted(found)]

    def _suggestion(self, wanted: str) -> str:
        from difflib import get_close_matches  # 7 ms that only a mistake costs

        everything = "`chatcli personas list` shows them all"
        names = {_folded(name): name for name in self.names()}
        nearest = get_close_matches(wanted, names, n=1)
        return f"did you mean {names[nearest[0]]}? {everything}" if nearest else everything


def shipped_folder() -> Path:
    """Return the folder of the personas that come with chatcli.

    A wheel carries them inside the package; in a checkout they are at the top of the repository.
    """
    package = Path(__file__).parent
    inside = package / "shipped" / "personas"
    return inside if inside.is_dir() else package.parent / "personas"


def read_persona(path: Path) -> Persona:
    """Return the persona that a file describes. Raises PersonaError.

    A file with no front matter is a prompt; its name is the file's.
    """
    front, prompt = _split(path, _read(path))
    keys = _Keys(path, _parse(path, front))
    name = keys.take("name", NAME) or _normal(path.stem)
    if not _NAME.fullmatch(name):
        raise PersonaError(
            f"{path}: the file's name is not {NAME.expected}", "rename it, or give it a `name`"
        )
    if not prompt:
        raise PersonaError(f"{path}: there is no prompt", "write it below the front matter")
    parameters = {key: keys.take(key, kind) for key, kind in PARAMETERS.items()}
    return Persona(
        name=name,
        description=keys.take("description", LINE) or "",
        prompt=prompt,
        model=keys.take("model", MODEL),
        parameters={key: value for key, value in parameters.items() if value is not None},
        strategy=keys.take("strategy", STRATEGY),
        window=keys.take("window", WINDOW),
        budget=keys.take("budget", BUDGET),
        greeting=keys.take("greeting", TEXT),
        inject=keys.take("inject", INJECT) or (),
        examples=keys.take("examples", EXAMPLES) or (),
        source=path,
        unknown=keys.untaken(),
    )


# What each key may hold


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError
    return value.strip()


def _line(value: object) -> str:
    return " ".join(_text(value).split())


def _name(value: object) -> str:
    name = _normal(_text(value))
    if not _NAME.fullmatch(name):
        raise ValueError
    return name


def _model(value: object) -> str:
    if not _text(value).isprintable():
        raise ValueError
    return _text(value)


def _injections(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(word in INJECTIONS for word in value):
        raise ValueError
    return tuple(dict.fromkeys(value))


def _examples(value: object) -> tuple[Example, ...]:
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise ValueError
    if not all(each.keys() == {"user", "assistant"} for each in value):
        raise ValueError
    return tuple(Example(_text(each["user"]), _text(each["assistant"])) for each in value)


TEXT: Final = Kind("text", _text)
LINE: Final = Kind("text", _line)
NAME: Final = Kind("a name of letters, digits, `.`, `_` and `-`", _name)
MODEL: Final = Kind("the name of a model", _model)
STRATEGY: Final = one_of(*STRATEGIES)
WINDOW: Final = whole(1, 10_000)
BUDGET: Final = whole(1, 100_000_000)
INJECT: Final = Kind(f"a list of some of {', '.join(INJECTIONS)}", _injections)
EXAMPLES: Final = Kind("a list of pairs, each with a text for user and for assistant", _examples)


class _Keys:
    """The keys of one front matter, to be taken one by one; what is left over is unknown."""

    def __init__(self, path: Path, values: dict[str, object]) -> None:
        self._path = path
        self._left = values
        for key in values:
            if _CONNECTION_KEYS.fullmatch(key.lower().replace("-", "_")):
                raise PersonaError(
                    f"{path}: {key} can't be set by a persona, which may come from anybody"
                    " and must not choose where messages and keys go",
                    "put it in config.toml or in the environment",
                )

    def take(self, key: str, kind: Kind[T_co]) -> T_co | None:
        """Return the key's value, None where it is absent or empty. Raises PersonaError."""
        value = self._left.pop(key, None)
        if value is None:
            return None
        try:
            return kind.read(value)
        except ValueError:
            told = f"{self._path}: {key} must be {kind.expected}, found {_shown(value)}"
            raise PersonaError(told) from None

    def untaken(self) -> tuple[str, ...]:
        return tuple(self._left)


# From a file to its keys and its prompt


def _read(path: Path) -> str:
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            # Opening a pipe would wait for its writer.
            raise PersonaError(f"{path}: not a regular file")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise PersonaError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    if len(data) > MAX_BYTES:
        raise PersonaError(f"{path}: larger than {MAX_BYTES // 1024} KB, which no persona is")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PersonaError(f"{path}: not UTF-8 text") from error
    if "\0" in text:
        raise PersonaError(f"{path}: not text")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _split(path: Path, text: str) -> tuple[str, str]:
    """Return the front matter and the prompt; the former begins on its own line of the file."""
    opening = _FENCE.match(text, len(text) - len(text.lstrip()))
    if opening is None:
        return "", text.strip()
    closing = _FENCE.search(text, opening.end())
    if closing is None:
        told = f"{path}: the front matter that begins with --- has no end"
        raise PersonaError(told, "write --- alone on the line below the last key")
    above = "\n" * text.count("\n", 0, opening.end())
    return above + text[opening.end() : closing.start()], text[closing.end() :].strip()


def _parse(path: Path, front: str) -> dict[str, object]:
    try:
        return read_mapping(front, "the front matter")
    except BadYaml as error:
        raise PersonaError(f"{path}: {error}", error.hint) from error


# Folders and names


def _markdown_files(folder: Path) -> Sequence[Path]:
    """Return the files that can be personas, whatever they are: reading one tells."""
    try:
        found = sorted(folder.iterdir())
    except OSError:
        return ()
    return [
        path
        for path in found
        if path.suffix.lower() == ".md" and _NAME.fullmatch(_normal(path.stem))
    ]


def _read_named(path: Path, name: str) -> Persona:
    """Return a folder's persona, once sure that it calls itself as its file is called."""
    persona = read_persona(path)
    if _folded(persona.name) != _folded(name):
        raise PersonaError(
            f"{path}: name must be {name}, as the file is called, found {_shown(persona.name)}",
            "change the one or the other",
        )
    return persona


def _is_path(name: str) -> bool:
    separators = {"/", os.sep, os.altsep or os.sep}
    return name.lower().endswith(".md") or any(each in name for each in separators)


def _normal(name: str) -> str:
    # A Mac may store é as two characters, where a keyboard gives one.
    return unicodedata.normalize("NFC", name)


def _folded(name: str) -> str:
    return _normal(name).casefold()


def _shown(value: object) -> str:
    """Return a value as an error may quote it: short, on one line, with no control characters."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
