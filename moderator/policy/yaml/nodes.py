"""A YAML document as a tree that knows where everything in it stands."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from moderator.policy.problems import Place

Steps: TypeAlias = tuple[str | int, ...]
"""The way to a value: keys and positions, such as ``("rules", 0, "violates", 2)``."""


class DocumentError(Exception):
    """The text cannot be read to its end; carries a sentence for the author and the place."""

    def __init__(self, message: str, place: Place | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.place = place


@dataclass(slots=True)
class Node:
    """A value, its place, and for lists and mappings what is inside.

    ``value`` is plain data, shared where an alias repeats it. ``text`` is what a scalar's author
    wrote. ``size`` counts the node and all below it with aliases written out, ``depth`` its levels.
    """

    place: Place
    value: Any
    text: str | None = None
    children: dict[str | int, "Node"] = field(default_factory=dict)
    keys: dict[str | int, Place] = field(default_factory=dict)
    size: int = 1
    depth: int = 1

    def place_of(self, steps: Steps, *, key: bool = False) -> Place:
        """Find the place of what ``steps`` lead to, or of the last on the way that exists.

        A list or mapping below a key is shown by that key; ``key`` asks for the key of anything.
        """
        node, place = self, self.place
        for step in steps:
            if step not in node.children:
                return node.place if node.children else place
            node, label = node.children[step], node.keys.get(step)
            by_key = label is not None and (key or node.text is None or node.value is None)
            place = label if label is not None and by_key else node.place
        return place

    def without_value(self, steps: Steps = ()) -> Iterator[Steps]:
        """Yield the way to every key that is followed by nothing."""
        for step, child in self.children.items():
            here = (*steps, step)
            if isinstance(step, str) and child.value is None:
                yield here
            yield from child.without_value(here)


def sequence(place: Place, items: list[Node]) -> Node:
    """Make the node of a list."""
    return Node(
        place,
        value=[item.value for item in items],
        children=dict(enumerate(items)),
        size=1 + sum(item.size for item in items),
        depth=1 + max((item.depth for item in items), default=0),
    )


def mapping(place: Place, entries: dict[str | int, tuple[Place, Node]]) -> Node:
    """Make the node of a mapping from its keys, each with its place and what it leads to."""
    children = {name: child for name, (_, child) in entries.items()}
    return Node(
        place,
        value={name: child.value for name, child in children.items()},
        children=children,
        keys={name: label for name, (label, _) in entries.items()},
        size=1 + sum(1 + child.size for child in children.values()),
        depth=1 + max((child.depth for child in children.values()), default=0),
    )
