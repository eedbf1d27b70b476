"""Policy files into a ``PolicySet``, or every problem of every file at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from moderator.errors import PolicyError
from moderator.policy.explain import explain
from moderator.policy.policyset import PolicySet, merge_actions
from moderator.policy.problems import Problem, Source, failure
from moderator.policy.schema import Policy
from moderator.policy.yaml.document import parse
from moderator.policy.yaml.nodes import DocumentError, Node
from moderator.policy.yaml.syntax import split_lines

__all__ = ["PolicySet", "load_policies"]

MAX_FILE_BYTES = 2 * 1024 * 1024
SUFFIXES = (".yaml", ".yml")


@dataclass(slots=True, eq=False)
class _File:
    """A policy file as far as it could be read, and what is wrong with it."""

    source: Source
    problems: list[Problem] = field(default_factory=list)
    root: Node | None = None
    policy: Policy | None = None


def load_policies(paths: Sequence[Path]) -> PolicySet:
    """Load policy files, and all ``*.yaml`` and ``*.yml`` files of directories.

    Raises ``PolicyError``, whose message and ``problems`` tell everything that is wrong.
    """
    if not paths:
        raise PolicyError("no policies were named; give a file or a directory of them")
    files = [_read(path) for path in _expand(paths)]
    problems = [problem for file in files for problem in (*file.problems, *_clash(file, files))]
    problems += _contradictions(files)
    if problems:
        raise failure(problems)
    sources = {f.policy.name: f.source.path for f in files if f.policy is not None}
    return PolicySet(tuple(f.policy for f in files if f.policy is not None), sources)


def _expand(paths: Sequence[Path]) -> list[Path]:
    """List files, with directories opened; one that is named twice is read once."""
    found = [file for path in paths for file in (_inside(path) if path.is_dir() else [path])]
    return list({file.resolve(): file for file in found}.values())


def _inside(directory: Path) -> list[Path]:
    """List the policies in a directory; the directory itself where it has none."""
    files = (file for file in directory.iterdir() if file.suffix in SUFFIXES and file.is_file())
    return sorted(files) or [directory]


def _read(path: Path) -> _File:
    try:
        text = _text(path)
    except DocumentError as error:
        source = Source(path)
        return _File(source, [source.problem(error.message)])
    file = _File(Source(path, split_lines(text)))
    try:
        file.root, findings = parse(text)
    except DocumentError as error:
        file.problems.append(file.source.problem(error.message, error.place))
        return file
    file.problems += [file.source.problem(message, place) for place, message in findings]
    _validate(file)
    return file


def _text(path: Path) -> str:
    """Read a file. Raises ``DocumentError``."""
    try:
        if path.is_dir():
            raise DocumentError("no policies in this directory: no file ends in .yaml or .yml")
        if path.exists() and not path.is_file():
            raise DocumentError("this is not a file")
        with path.open("rb") as stream:
            content = stream.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError as error:
        raise DocumentError("there is no such file") from error
    except OSError as error:
        raise DocumentError(f"the file cannot be read: {error.strerror}") from error
    if len(content) > MAX_FILE_BYTES:
        raise DocumentError(f"larger than {MAX_FILE_BYTES // 2**20} MiB; split it into files")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DocumentError(f"line {line} is not UTF-8; save the file as UTF-8 text") from error


def _validate(file: _File) -> None:
    """Make the policy of a file whose YAML could be read, or tell why it is none."""
    root = file.root
    if root is None or root.value is None:
        message = "the file is empty; copy policies/minimal.yaml to begin"
        file.problems.append(file.source.problem(message))
        return
    if not isinstance(root.value, dict):
        message = "a policy begins with keys such as `policy: community`, not with a list or text"
        file.problems.append(file.source.problem(message, root.place))
        return
    empty = set(root.without_value())
    file.problems += [_without_value(file.source, root, steps) for steps in empty]
    try:
        file.policy = Policy.model_validate(root.value)
    except ValidationError as error:
        told = (finding for finding in explain(error) if finding.steps not in empty)
        for finding in told:
            place = root.place_of(finding.steps, key=finding.at_key)
            see = f"; the first is in line {root.place_of(finding.see).line}" if finding.see else ""
            file.problems.append(file.source.problem(finding.message + see, place))


def _without_value(source: Source, root: Node, steps: tuple[str | int, ...]) -> Problem:
    message = f"`{steps[-1]}` has no value; give it one or remove the line"
    return source.problem(message, root.place_of(steps, key=True))


def _clash(file: _File, files: Sequence[_File]) -> Iterator[Problem]:
    """Tell what cannot be true of this file beside those before it."""
    earlier = files[: files.index(file)]
    name = _name(file)
    for other in earlier:
        if file.root is not None and name is not None and _name(other) == name:
            message = (
                f"policy `{name}` is also in {other.source.path}; give one of them another name"
            )
            yield file.source.problem(message, file.root.place_of(("policy",)))
            return


def _contradictions(files: Sequence[_File]) -> Iterator[Problem]:
    """Tell where a file orders its actions unlike those before it."""
    agreed: tuple[Policy, ...] = ()
    for file in files:
        if file.policy is None or file.root is None:
            continue
        try:
            merge_actions((*agreed, file.policy))
        except PolicyError as error:
            yield file.source.problem(str(error), file.root.place_of(("actions",)))
        else:
            agreed = (*agreed, file.policy)


def _name(file: _File) -> str | None:
    """Read a policy's name even if the rest of the file is wrong."""
    value = file.root.value if file.root is not None else None
    name = value.get("policy") if isinstance(value, dict) else None
    return name if isinstance(name, str) else None
