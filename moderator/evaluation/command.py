"""The `eval` command: suites in, tables, JSON and pages out."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console

from moderator.app import Core, build_core
from moderator.errors import StartupError
from moderator.evaluation.answers import Judged, answers
from moderator.evaluation.rows import Example, read_examples, tasks_of
from moderator.evaluation.suites import Suite, load_suite
from moderator.extras import how_to_install
from moderator.progress import progress_bar
from moderator.screening import screen_posts
from moderator.settings import Settings
from moderator.verdicts import read_in_full


@dataclasses.dataclass(frozen=True)
class Options:
    """What the user asked for beside the suites."""

    data: Path
    rules: Sequence[str] = ()  # TASK=POLICY/RULE
    json_file: Path | None = None
    html_folder: Path | None = None


def run_suites(
    names: Sequence[str], settings: Settings, options: Options, console: Console, log: Console
) -> None:
    """Evaluate suites one after the other. Raises StartupError."""
    try:
        from moderator.evaluation import page, report, tables
    except ImportError as error:
        raise StartupError(f"`eval` needs {error.name}: {how_to_install('eval')}") from error
    instead = rules_instead(options.rules)
    suites = [with_rules(load_suite(name), instead) for name in names]
    check_tasks(suites, instead, options.data)
    make_room(options)
    core = build_core(settings)
    policy = core.rules.receipt.policy
    models = {channel: model.name for channel, model in core.rules.receipt.models.items()}
    trees = []
    for suite in suites:
        examples = read_examples(suite, options.data)
        tasks = tasks_of(suite, examples, instead)
        check_rules(suite, tasks, core)
        judged = judge(suite.suite, examples, tasks, core, settings, log)
        result = report.make_report(suite, f"{policy.name} {policy.version}", models, judged)
        tables.show(result, console)
        console.print()
        trees.append(result.to_tree())
        if options.html_folder:
            path = options.html_folder / f"{Path(suite.suite).stem}.html"
            write(path, page.render(result, judged, core))
            log.print(f"wrote {path}", markup=False)
    if options.json_file:
        write(options.json_file, json.dumps(trees, indent=2, ensure_ascii=False) + "\n")


def judge(
    name: str,
    examples: Sequence[Example],
    tasks: Mapping[str, tuple[str, ...]],
    core: Core,
    settings: Settings,
    log: Console,
) -> Judged:
    """Screen the posts of a suite, and sort what the rules said by task."""
    with progress_bar(log) as bar:
        task = bar.add_task(name, total=len(examples))
        verdicts = []
        for verdict in screen_posts(iter([each.post for each in examples]), core, settings):
            verdicts.append(verdict)
            bar.advance(task)
    unread = sum(not read_in_full(verdict) for verdict in verdicts)
    return Judged(examples, answers(examples, verdicts, tasks), unread)


def rules_instead(given: Sequence[str]) -> dict[str, str]:
    """The user's own rules by task. Raises StartupError."""
    rules = {}
    for each in given:
        task, _, rule = each.partition("=")
        if not rule:
            raise StartupError(f"--rule {each}: write TASK=POLICY/RULE")
        rules[task] = rule
    return rules


def with_rules(suite: Suite, instead: Mapping[str, str]) -> Suite:
    """The suite with other rules for some of its tasks."""
    tasks = {
        name: task.model_copy(update={"rule": instead.get(name, task.rule)})
        for name, task in suite.tasks.items()
    }
    return suite.model_copy(update={"tasks": tasks})


def check_tasks(suites: Sequence[Suite], instead: Mapping[str, str], data: Path) -> None:
    """Raise StartupError for a rule that no suite has a task for: its own would be measured."""
    known = {name for suite in suites for name in suite.tasks}
    if instead.keys() <= known:
        return
    known |= {
        label
        for suite in suites
        if not suite.tasks
        for example in read_examples(suite, data)
        for label in example.truth
    }
    for task in instead:
        if task not in known:
            raise StartupError(
                f"--rule {task}={instead[task]}: there is no task {task!r}; "
                f"there are {', '.join(sorted(known))}"
            )


def make_room(options: Options) -> None:
    """Raise StartupError where results could not be written: before they are measured."""
    try:
        if options.html_folder:
            options.html_folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StartupError(f"{options.html_folder}: {error.strerror}") from error
    if (file := options.json_file) and not file.parent.is_dir():
        raise StartupError(f"{file}: there is no folder {file.parent}")
    if file and file.is_dir():
        raise StartupError(f"{file}: is a folder")


def write(path: Path, text: str) -> None:
    """Raises StartupError."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StartupError(f"{path}: cannot be written: {error.strerror}") from error


def check_rules(suite: Suite, tasks: Mapping[str, tuple[str, ...]], core: Core) -> None:
    """Raise StartupError for a task whose rule the policy does not have."""
    for task, rules in tasks.items():
        for rule in rules:
            if rule not in core.rules.ids:
                raise StartupError(
                    f"{suite.suite}: the policy has no rule {rule!r} for the task {task!r}; it has "
                    f"{', '.join(core.rules.ids)}. Name yours with --rule '{task}=POLICY/RULE'"
                )
