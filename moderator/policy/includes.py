"""A policy that is put together from several files, as one tree that knows where each part stands.

`include` brings in prompts and rules of other files, `- use: name` among prompts a list of
`prompts`. Both are written out here, before the schema looks at the policy, so that an error in an
included file is told with its own line.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from moderator.policy.files import read_text
from moderator.policy.problems import Known, Place, Problem, Source, unknown
from moderator.policy.yaml.document import parse
from moderator.policy.yaml.nodes import DocumentError, Node, mapping, sequence
from moderator.policy.yaml.syntax import split_lines

MAX_INCLUDED_FILES = 100
_KEYS = ("include", "prompts", "rules")
_SIDES = ("violates", "allows")


@dataclass
class Whole:
    """A policy's tree with everything written out, what is wrong so far, and what was read."""

    root: Node
    problems: list[Problem] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)  # the included ones, resolved


def written_out(root: Node, source: Source, *, alone: bool = False) -> Whole:
    """Bring in what the policy in ``root`` includes and write out the lists it uses.

    ``alone`` is for a policy that is no file: what it includes is refused and no file is looked at.
    """
    return _Writer(source, alone=alone).write(root)


class _Writer:
    def __init__(self, source: Source, *, alone: bool) -> None:
        self._source = source
        self._alone = alone
        self._path = source.path if alone else source.path.resolve()
        self._home = self._path.parent
        self._problems: list[Problem] = []
        self._files: list[Path] = []
        self._rules: list[Node] = []
        self._lists: dict[str | int, tuple[Place, Node]] = {}

    def write(self, root: Node) -> Whole:
        self._take(root, self._path, ())
        entries = {key: (root.keys[key], node) for key, node in root.children.items()}
        if "include" in root.children or "prompts" in root.children:
            self._put(entries, "prompts", mapping(root.place, self._lists))
        if "rules" in root.children or self._rules:
            own = root.children.get("rules")
            if own is None or isinstance(own.value, list):
                place = own.place if own is not None else root.place
                rules = [self._with_prompts(rule) for rule in self._rules]
                self._put(entries, "rules", sequence(place, rules))
        return Whole(mapping(root.place, entries), self._problems, self._files)

    def _put(self, entries: dict[str | int, tuple[Place, Node]], key: str, node: Node) -> None:
        label = entries[key][0] if key in entries else node.place
        if node.children or key not in entries:
            entries[key] = (label, node)

    def _take(self, root: Node, path: Path, way: tuple[Path, ...]) -> None:
        """Collect the rules and lists of a file, those of what it includes before its own."""
        for item in _items(root.children.get("include")):
            self._include(item, path, (*way, path))
        self._take_lists(root.children.get("prompts"))
        self._rules += _items(root.children.get("rules"))

    def _take_lists(self, lists: Node | None) -> None:
        if lists is None or not isinstance(lists.value, dict):
            return
        for name, node in lists.children.items():
            if name in self._lists:
                first = self._lists[name][0]
                where = f"{(first.source or self._source).path}:{first.line}"
                message = f"the list `{name}` is also in {where}; give one another name"
                self._complain(message, lists.keys[name])
            else:
                self._lists[name] = (lists.keys[name], node)

    def _include(self, item: Node, path: Path, way: tuple[Path, ...]) -> None:
        if not isinstance(item.value, str) or not item.value:
            return  # the schema says what an include must be
        if self._alone:
            message = "a draft includes no files; put the prompts and rules of that one here"
            self._complain(message, item.place)
            return
        if item.value.startswith(("/", "\\", "~")) or ":" in item.value:
            self._complain("an include is a path relative to this file", item.place)
            return
        wanted = (path.parent / item.value).resolve()
        if not wanted.is_relative_to(self._home):
            message = f"`{item.value}` lies outside of the policy's folder; move it into that"
            self._complain(message, item.place)
        elif wanted in way:
            circle = " → ".join(file.name for file in (*way[way.index(wanted) :], wanted))
            self._complain(f"these files include each other: {circle}", item.place)
        elif wanted in self._files:
            return  # on two ways to the same file: its rules are here already
        elif len(self._files) >= MAX_INCLUDED_FILES:
            self._complain(f"more than {MAX_INCLUDED_FILES} included files", item.place)
        else:
            self._files.append(wanted)
            if (root := self._read(wanted, item.place)) is not None:
                self._take(root, wanted, way)

    def _read(self, path: Path, place: Place) -> Node | None:
        shown = self._source.path.parent / path.relative_to(self._home)
        try:
            text = read_text(path)
        except DocumentError as error:
            self._complain(f"`{shown}` cannot be included: {error.message}", place)
            return None
        source = Source(shown, split_lines(text))
        try:
            root, findings = parse(text, source=source)
        except DocumentError as error:
            self._problems.append(source.problem(error.message, error.place))
            return None
        self._problems += [source.problem(message, found) for found, message in findings]
        if root is None or not isinstance(root.value, dict):
            self._problems.append(source.problem("an included file holds `prompts` and `rules`"))
            return None
        for key in (key for key in root.children if key not in _KEYS):
            message = unknown("key", str(key), _KEYS)
            if key == "policy":
                message = "this is a policy of its own; what is included holds no `policy`"
            self._complain(message, root.keys[key])
        return root

    def _with_prompts(self, rule: Node) -> Node:
        """Write out the lists that a rule uses."""
        if not isinstance(rule.value, dict):
            return rule
        changed = {key: self._list(node) for key, node in _prompt_lists(rule)}
        for channel in ("text", "image"):
            own = rule.children.get(channel)
            if own is not None and isinstance(own.value, dict):
                changed |= {
                    channel: _changed(own, {k: self._list(n) for k, n in _prompt_lists(own)})
                }
        return _changed(rule, changed)

    def _list(self, prompts: Node) -> Node:
        items = _items(prompts)
        if not any(isinstance(item.value, dict) for item in items):
            return prompts
        return sequence(prompts.place, [found for item in items for found in self._used(item)])

    def _used(self, item: Node) -> Iterator[Node]:
        if not isinstance(item.value, dict) or list(item.value) != ["use"]:
            yield item
            return
        name = item.children["use"]
        if not isinstance(name.value, str):
            yield item
        elif name.value in self._lists:
            yield from _items(self._lists[name.value][1])
        else:
            message = "there are no lists of prompts in this policy; add `prompts` to it"
            if self._lists:
                message = self._known.unknown(name.value)
            self._complain(message, name.place)

    @cached_property
    def _known(self) -> Known:
        return Known("list", map(str, self._lists))

    def _complain(self, message: str, place: Place) -> None:
        self._problems.append(self._source.problem(message, place))


def _items(node: Node | None) -> Sequence[Node]:
    return list(node.children.values()) if node is not None and isinstance(node.value, list) else []


def _prompt_lists(node: Node) -> list[tuple[str, Node]]:
    return [(side, node.children[side]) for side in _SIDES if side in node.children]


def _changed(node: Node, changed: dict[str, Node]) -> Node:
    if all(node.children[key] is new for key, new in changed.items()):
        return node
    entries = {
        key: (node.keys[key], changed.get(str(key), child)) for key, child in node.children.items()
    }
    return mapping(node.place, entries)
