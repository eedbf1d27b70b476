"""YAML 1.2 with the place of every key and value, safe for files by people we do not know.

The parser's events become nodes here rather than in the YAML library's own constructor: that one
forgets places, lets ten short lines of aliases grow into a billion values, and calls itself once
per level of nesting. Values are counted as if aliases were written out, before they are built.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    MappingStartEvent,
    ScalarEvent,
)

from moderator.policy.problems import Place, Source
from moderator.policy.yaml.nodes import DocumentError, Node, mapping, sequence
from moderator.policy.yaml.scalars import resolve
from moderator.policy.yaml.syntax import explain

Parsed = tuple[Node | None, list[tuple[Place, str]]]  # the root, and the findings

MAX_NODES = 200_000
"""Keys, values, lists and mappings of one file, with its aliases written out."""

MAX_DEPTH = 32
"""Levels of nesting; a policy has six."""


def parse(text: str, *, source: Source | None = None, max_nodes: int = MAX_NODES) -> Parsed:
    """Read one YAML document into nodes and the problems that did not stop the reading.

    ``source`` is kept in every place, for files that become part of another. ``None`` where the
    text holds no value at all. Raises ``DocumentError``.
    """
    try:
        # libyaml, 30 times as fast, where the text is fine. The pure parser has the last word on
        # what is wrong: its errors are the ones we know to explain.
        return _composed(YAML(typ="safe", pure=False).parse(text), source, max_nodes)
    except DocumentError:
        raise
    except Exception:  # noqa: BLE001 - whatever it is, the pure parser says it better
        return _explained(text, source, max_nodes)


def _explained(text: str, source: Source | None, max_nodes: int) -> Parsed:
    try:
        return _composed(YAML(typ="safe", pure=True).parse(text), source, max_nodes)
    except YAMLError as error:
        raise explain(error, text) from error
    except (AssertionError, AttributeError, IndexError, TypeError, ValueError) as error:
        # The parser's own slips over malformed escapes and directives; the place is lost then.
        raise DocumentError(f"this is not valid YAML: {error}") from error


def _composed(events: Iterable[Any], source: Source | None, max_nodes: int) -> Parsed:
    """Taken one by one, so that what is too deep or too much is refused before it is all read."""
    composer = _Composer(source, max_nodes)
    for event in events:
        composer.take(event)
    return composer.root, composer.findings


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not come yet."""

    place: Place
    anchor: str | None
    is_mapping: bool
    items: list[Node] = field(default_factory=list)


class _Composer:
    """Builds nodes from events, with a stack of its own instead of calls within calls."""

    def __init__(self, source: Source | None, max_nodes: int) -> None:
        self._source = source
        self._max_nodes = max_nodes
        self.root: Node | None = None
        self.findings: list[tuple[Place, str]] = []
        self._open: list[_Open] = []
        self._anchors: dict[str, Node | None] = {}
        self._nodes = 0

    def take(self, event: Any) -> None:
        place = _place(event, self._source)
        match event:
            case DocumentStartEvent() if self.root is not None:
                raise DocumentError("a second document starts here; a file holds one policy", place)
            case AliasEvent():
                self._add(self._aliased(str(event.anchor), place))
            case ScalarEvent():
                self._add(self._scalar(event, place), anchor=event.anchor)
            case CollectionStartEvent():
                self._begin(event, place)
            case CollectionEndEvent():
                self._end()
            case _:
                pass  # the stream's and the document's own ends

    def _scalar(self, event: Any, place: Place) -> Node:
        self._check_tag(event, place)
        self._count(1, place)
        plain = bool(event.implicit[0])
        return Node(place, resolve(event.value) if plain else event.value, text=event.value)

    def _begin(self, event: Any, place: Place) -> None:
        self._check_tag(event, place)
        self._count(1, place)
        if len(self._open) >= MAX_DEPTH:
            raise DocumentError(f"nested deeper than {MAX_DEPTH} levels", place)
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        self._open.append(_Open(place, event.anchor, isinstance(event, MappingStartEvent)))

    def _end(self) -> None:
        done = self._open.pop()
        node = self._mapping(done) if done.is_mapping else sequence(done.place, done.items)
        if node.depth > MAX_DEPTH:
            raise DocumentError(f"nested deeper than {MAX_DEPTH} levels", node.place)
        self._add(node, anchor=done.anchor)

    def _add(self, node: Node, anchor: str | None = None) -> None:
        if anchor is not None:
            self._anchors[anchor] = node
        if self._open:
            self._open[-1].items.append(node)
        else:
            self.root = node

    def _aliased(self, anchor: str, place: Place) -> Node:
        if anchor not in self._anchors:
            raise DocumentError(f"`*{anchor}` repeats nothing: no `&{anchor}` stands above", place)
        node = self._anchors[anchor]
        if node is None:
            raise DocumentError(f"`*{anchor}` stands inside `&{anchor}` itself", place)
        self._count(node.size, place)
        return node

    def _mapping(self, done: _Open) -> Node:
        entries: dict[str | int, tuple[Place, Node]] = {}
        merged: dict[str | int, tuple[Place, Node]] = {}
        for key, value in zip(done.items[::2], done.items[1::2], strict=True):
            if key.text is None:
                self.findings.append((key.place, "a key must be one plain word"))
            elif key.text == "<<":
                merged = self._merged(key, value) | merged
            elif key.text in entries:
                line = entries[key.text][0].line
                message = f"key `{key.text}` stands here twice, first in line {line}"
                self.findings.append((key.place, message))
            else:
                entries[key.text] = (key.place, value)
        place = done.items[0].place if done.items else done.place
        return mapping(place, merged | entries)

    def _merged(self, key: Node, value: Node) -> dict[str | int, tuple[Place, Node]]:
        """Read what a merge key copies; of several mappings the first wins."""
        sources = list(value.children.values()) if isinstance(value.value, list) else [value]
        entries: dict[str | int, tuple[Place, Node]] = {}
        for source in reversed(sources):
            if not isinstance(source.value, dict):
                message = "`<<` takes a mapping to copy from, such as `*common`"
                self.findings.append((key.place, message))
                return {}
            entries |= {name: (source.keys[name], node) for name, node in source.children.items()}
        return entries

    def _count(self, nodes: int, place: Place) -> None:
        self._nodes += nodes
        if self._nodes > self._max_nodes:
            raise DocumentError(
                f"more than {self._max_nodes:,} values with aliases written out; split the file",
                place,
            )

    def _check_tag(self, event: Any, place: Place) -> None:
        tag = "!" if event.tag is None else str(event.tag)
        if tag not in {"!", "tag:yaml.org,2002:str"}:
            name = tag.replace("tag:yaml.org,2002:", "!!")
            self.findings.append((place, f"the tag `{name}` means nothing here; remove it"))


def _place(event: Any, source: Source | None) -> Place:
    start, end = event.start_mark, event.end_mark
    length = end.column - start.column if end.line == start.line else 1
    return Place(start.line + 1, start.column + 1, max(1, length), source)
