"""YAML from anybody, read as plain values: texts, numbers, lists and mappings, and nothing more.

YAML's own constructors are not used, so that nothing is made on the file's word. A plain scalar is
what YAML 1.2 says, where `no` and 12:30 are text. Anchors, aliases and tags are refused, as is what
is nested too deeply or has more parts than any honest file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from yaml import Event, MappingNode, Node, YAMLError

MAX_DEPTH: Final = 8
MAX_PARTS: Final = 200_000

_INT: Final = re.compile(r"[-+]?[0-9]{1,40}")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_WORDS: Final = {"": None, "~": None, "null": None, "true": True, "false": False}
_MARKED: Final = "text with a colon or a # in it belongs in quotes"


class BadYaml(ValueError):
    """The text is no plain YAML; `hint` says what to do, where that is known."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def read_mapping(text: str, what: str, *, depth: int = MAX_DEPTH) -> dict[str, object]:
    """Return the keys of a YAML text that is one mapping, none where it is empty.

    `what` is how errors call the text, `depth` how deep its values may be nested. Raises BadYaml.
    """
    if not text.strip():
        return {}
    import yaml  # up to 25 ms, which a list of names need not pay

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _refuse_tricks(yaml.parse(text, Loader=loader), depth)
        root = yaml.compose(text, Loader=loader)
    except yaml.YAMLError as error:
        raise _unread(error, what, depth) from error
    if root is None:
        return {}
    if not isinstance(root, yaml.MappingNode):
        raise _misplaced(root, f"{what} must be lines of `key: value`")
    return _mapping(root)


def _refuse_tricks(events: Iterable[Event], most: int) -> None:
    """Raise BadYaml where the events of a YAML text are more than plain, shallow values.

    The parser is asked event by event: composing a tree that is too deep would end the process.
    """
    import yaml

    depth = 0
    for number, event in enumerate(events):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > most:
            raise _misplaced(event, _too_deep(most))
        if number > MAX_PARTS:
            raise _misplaced(event, f"more than {MAX_PARTS:,} parts")
        if getattr(event, "anchor", None) is not None:
            raise _misplaced(event, "anchors and aliases are not read here")
        if getattr(event, "tag", None) is not None:
            raise _misplaced(event, "tags are not read here")
        if _SURROGATE.search(getattr(event, "value", "")):
            raise _misplaced(event, "half of a character")


def _unread(error: YAMLError, what: str, depth: int) -> BadYaml:
    """Return the parser's complaint in our words."""
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    where = f"line {mark.line + 1}: " if mark else ""
    # libyaml reads ahead, so that its own limit may be met before the events that lead there.
    if problem and "nesting depth" in problem:
        return BadYaml(f"{where}{_too_deep(depth)}")
    return BadYaml(f"{where}{problem or f'a control character in {what}'}", _MARKED if mark else "")


def _mapping(node: MappingNode) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in node.value:
        if not isinstance(key.value, str):
            raise _misplaced(key, "a key must be a word")
        if key.value in found:
            raise _misplaced(key, f"{_shown(key.value)} is there twice")
        found[key.value] = _value(value)
    return found


def _value(node: Node) -> object:
    import yaml

    if isinstance(node, yaml.MappingNode):
        return _mapping(node)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item) for item in node.value]
    quoted = getattr(node, "style", None)
    return str(node.value) if quoted else _scalar(node.value)


def _scalar(text: str) -> object:
    word = text.lower()
    if word in _WORDS:
        return _WORDS[word]
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def _misplaced(place: Event | Node, why: str) -> BadYaml:
    line = place.start_mark.line + 1 if place.start_mark else "?"
    return BadYaml(f"line {line}: {why}")


def _too_deep(most: int) -> str:
    return f"nested more than {most} deep"


def _shown(key: str) -> str:
    text = repr(key)
    return text if len(text) <= 60 else f"{text[:57]}..."
