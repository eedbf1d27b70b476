"""Policy files into a ``PolicySet``, or every problem of every file at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from moderator.collecting import uncollected
from moderator.errors import PolicyError
from moderator.policy.calibration_file import (
    CalibrationFile,
    calibration_path,
    lacking,
    read_calibration,
)
from moderator.policy.explain import explain
from moderator.policy.files import MAX_FILE_BYTES, policy_files, read_text
from moderator.policy.includes import written_out
from moderator.policy.policyset import PolicySet, merge_actions
from moderator.policy.problems import Place, Problem, Source, failure
from moderator.policy.schema import Policy
from moderator.policy.yaml.document import MAX_NODES, parse
from moderator.policy.yaml.nodes import DocumentError, Node
from moderator.policy.yaml.syntax import split_lines

__all__ = ["DRAFT", "MAX_FILE_BYTES", "PolicySet", "load_draft", "load_policies"]

DRAFT = Path("draft.yaml")
"""What messages call a policy that is no file."""

MAX_DRAFT_CHARACTERS = 100_000
_MAX_DRAFT_NODES = 5_000  # ten times as many as the longest of the sample policies


@dataclass(slots=True, eq=False)
class _File:
    """A policy file as far as it could be read, and what is wrong with it."""

    source: Source
    problems: list[Problem] = field(default_factory=list)
    root: Node | None = None
    policy: Policy | None = None
    included: tuple[Path, ...] = ()
    calibration: CalibrationFile | None = None
    warnings: list[Problem] = field(default_factory=list)


def load_policies(paths: Sequence[Path]) -> PolicySet:
    """Load policy files, and all ``*.yaml`` and ``*.yml`` files of directories.

    The calibration that lies beside a policy comes with it. Raises ``PolicyError``, whose message
    and ``problems`` tell everything that is wrong.
    """
    if not paths:
        raise PolicyError("no policies were named; give a file or a directory of them")
    with uncollected():
        files = [_read(path) for path in policy_files(paths)]
    problems = [problem for file in files for problem in (*file.problems, *_clash(file, files))]
    problems += _contradictions(files)
    if problems:
        raise failure(problems)
    read = [(file.policy, file) for file in files if file.policy is not None]
    return PolicySet(
        tuple(policy for policy, _ in read),
        {policy.name: file.source.path for policy, file in read},
        {policy.name: file.calibration for policy, file in read if file.calibration is not None},
        warnings=tuple(warning for file in files for warning in file.warnings),
        read=tuple(path for file in files for path in _read_for(file)),
    )


def load_draft(text: str) -> PolicySet:
    """Load a policy from the text of somebody who is no friend, without a look at any file.

    So it includes none, and no calibration lies beside it. Raises ``PolicyError`` in the words of
    `load_policies`, of a file called `DRAFT`.
    """
    if len(text) > MAX_DRAFT_CHARACTERS:
        message = f"{len(text):,} characters; a draft has {MAX_DRAFT_CHARACTERS:,} at most"
        raise failure([Source(DRAFT).problem(message)])
    file = _parsed(text, DRAFT, draft=True)
    if file.policy is None or file.problems:
        raise failure(file.problems)
    return PolicySet((file.policy,))


def _read_for(file: _File) -> Iterator[Path]:
    """List every file a policy depends on; a calibration that may appear is one of them."""
    yield file.source.path
    yield from file.included
    yield calibration_path(file.source.path)


def _read(path: Path) -> _File:
    try:
        text = read_text(path)
    except DocumentError as error:
        source = Source(path)
        return _File(source, [source.problem(error.message)])
    file = _parsed(text, path)
    if file.policy is not None:
        _calibrate(file, file.policy)
    return file


def _parsed(text: str, path: Path, *, draft: bool = False) -> _File:
    """Make what can be made of a text, and tell what cannot."""
    file = _File(Source(path, split_lines(text)))
    try:
        file.root, findings = parse(text, max_nodes=_MAX_DRAFT_NODES if draft else MAX_NODES)
    except DocumentError as error:
        file.problems.append(file.source.problem(error.message, error.place))
        return file
    file.problems += [file.source.problem(message, place) for place, message in findings]
    _validate(file, draft=draft)
    return file


def _validate(file: _File, *, draft: bool) -> None:
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
    whole = written_out(root, file.source, alone=draft)
    file.root = root = whole.root
    file.problems += whole.problems
    file.included = tuple(whole.files)
    empty = set(root.without_value())
    file.problems += [_without_value(file.source, root, steps) for steps in empty]
    try:
        file.policy = Policy.model_validate(root.value)
    except ValidationError as error:
        told = (finding for finding in explain(error) if finding.steps not in empty)
        for finding in told:
            place = root.place_of(finding.steps, key=finding.at_key)
            see = _see(file.source, root.place_of(finding.see)) if finding.see else ""
            file.problems.append(file.source.problem(finding.message + see, place))


def _see(source: Source, place: Place) -> str:
    where = f"{place.source.path}, " if place.source not in (None, source) else ""
    return f"; the first is in {where}line {place.line}"


def _calibrate(file: _File, policy: Policy) -> None:
    """Read what lies beside the policy, and warn of what it does not, or no longer, cover."""
    path = calibration_path(file.source.path)
    if path.exists():
        try:
            file.calibration = read_calibration(path)
        except PolicyError as error:
            file.problems.append(Source(path).problem(str(error).removeprefix(f"{path}: ")))
            return
        if file.calibration.calibration != policy.name:
            message = f"made for the policy `{file.calibration.calibration}`, not `{policy.name}`"
            file.problems.append(Source(path).problem(message))
    for position, rule in enumerate(policy.rules):
        for key, message in lacking(rule, file.calibration):
            place = file.root.place_of(("rules", position, key)) if file.root else None
            file.warnings.append(file.source.problem(message, place))


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
