"""A tree seen from its roots: what follows each message, and what a picture of it can leave out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from chatcli.conversation.messages import Node
from chatcli.conversation.tree import Tree

MOST_ROWS: Final = 100
"""Rows above which branches far from where you are get named and no longer drawn."""

DEEPEST: Final = 6
"""Steps to the right that a picture takes at most: a third of a narrow terminal's width."""

Place: TypeAlias = Node | None
"""Where one can be in a tree. None is the beginning, before anything was said."""


@dataclass(frozen=True, slots=True)
class Forest:
    """A tree seen from its roots, by the `id` of each place.

    `ways` are the messages that follow, the one that goes on in its column last; `names` the
    branches that end there, yours first; `levels` the steps to the right; `rows` how many it takes
    to draw a message with all that follows.
    """

    tree: Tree
    nodes: Sequence[Node]
    ways: Mapping[int, Sequence[Node]]
    names: Mapping[int, Sequence[str]]
    levels: Mapping[int, int]
    rows: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Folds:
    """What is named and not drawn: ways by their first message, and heads by their place.

    `far` says that some of it would be drawn in the whole picture.
    """

    ways: frozenset[int]
    heads: frozenset[int] = frozenset()
    far: bool = False


def survey(tree: Tree) -> Forest:
    """Look at the whole of a tree, in time linear in its messages and branches."""
    nodes = list(tree.nodes())
    names: dict[int, list[str]] = defaultdict(list)
    for name in sorted(tree.heads, key=lambda name: name != tree.branch):
        names[id(tree.heads[name])].append(name)
    ways: dict[int, list[Node]] = defaultdict(list)
    for node in nodes:
        ways[id(node.parent)].append(node)
    _put_the_way_on_last(tree, nodes, ways, names)
    levels = _levels(nodes, ways)
    return Forest(tree, nodes, ways, names, levels, _rows_below(nodes, ways, names))


def _put_the_way_on_last(
    tree: Tree,
    nodes: Sequence[Node],
    ways: Mapping[int, list[Node]],
    names: Mapping[int, Sequence[str]],
) -> None:
    branches: Counter[int] = Counter()
    messages: Counter[int] = Counter()
    for node in reversed(nodes):
        branches[id(node)] += len(names.get(id(node), ()))
        messages[id(node)] += 1
        branches[id(node.parent)] += branches[id(node)]
        messages[id(node.parent)] += messages[id(node)]
    ahead = {id(node.parent): node for node in tree.path}
    for place, following in ways.items():
        largest = max(following, key=lambda node: (branches[id(node)], messages[id(node)]))
        on = ahead.get(place, largest)
        following.remove(on)
        following.append(on)


def _levels(nodes: Iterable[Node], ways: Mapping[int, Sequence[Node]]) -> dict[int, int]:
    levels = {id(None): 0}
    for node in nodes:
        aside = ways[id(node.parent)][-1] is not node
        levels[id(node)] = levels[id(node.parent)] + aside
    return levels


def _rows_below(
    nodes: Sequence[Node], ways: Mapping[int, Sequence[Node]], names: Mapping[int, Sequence[str]]
) -> Counter[int]:
    rows: Counter[int] = Counter()
    for node in reversed(nodes):
        rows[id(node)] += id(node) in names or len(ways.get(id(node), ())) != 1
        rows[id(node.parent)] += rows[id(node)]
    return rows


def too_deep(forest: Forest) -> Folds:
    """Fold what would be more than DEEPEST steps to the right."""
    levels = forest.levels
    return Folds(frozenset(id(node) for node in forest.nodes if levels[id(node)] > DEEPEST))


def too_far(forest: Forest) -> Folds:
    """Fold what leaves the leftmost column, but for the nearest that there is room for."""
    column: list[Place] = [None]
    while following := forest.ways.get(id(column[-1])):
        column.append(following[-1])
    here = column.index(forest.tree.head)
    deep = too_deep(forest).ways
    ways, heads, left = set(deep), set[int](), MOST_ROWS
    for at in sorted(range(len(column)), key=lambda at: abs(at - here)):
        place = id(column[at])
        for way in reversed(forest.ways.get(place, ())[:-1]):
            if forest.rows[id(way)] < left:
                # The row that the fork splits off the run counts too.
                left -= forest.rows[id(way)] + 1
            else:
                ways.add(id(way))
        if place in forest.names and at not in {here, len(column) - 1}:
            if left < 1:
                heads.add(place)
            left -= 1
    return Folds(frozenset(ways), frozenset(heads), far=bool(heads) or ways != deep)
