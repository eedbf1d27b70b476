"""The `eval` command: suites in, tables, JSON and pages out."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from moderator.app import Core, build_core
from moderator.errors import StartupError
from moderator.evaluation.answers import Answers, answers
from moderator.evaluation.rows import Example, read_examples, tasks_of
from moderator.evaluation.suites import Suite, load_suite
from moderator.extras import how_to_install
from moderator.progress import progress_bar
from moderator.screening import screen_posts
from moderator.settings import Settings


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
    suites = [with_rules(load_suite(name), options.rules) for name in names]
    core = build_core(settings)
    policy = core.rules.receipt.policy
    models = {channel: model.name for channel, model in core.rules.receipt.models.items()}
    trees = []
    for suite in suites:
        examples, found = judge(suite, core, settings, options.data, log)
        result = report.make_report(suite, f"{policy.name} {policy.version}", models, found)
        tables.show(result, console)
        console.print()
        trees.append(result.to_tree())
        if options.html_folder:
            path = options.html_folder / f"{Path(suite.suite).stem}.html"
            options.html_folder.mkdir(parents=True, exist_ok=True)
            path.write_text(page.render(result, found, examples, core), encoding="utf-8")
            log.print(f"wrote {path}", markup=False)
    if options.json_file:
        options.json_file.write_text(json.dumps(trees, indent=2, ensure_ascii=False) + "\n")


def judge(
    suite: Suite, core: Core, settings: Settings, data: Path, log: Console
) -> tuple[list[Example], list[Answers]]:
    """Screen the posts of a suite; what they were, and what the rules of each task said."""
    examples = read_examples(suite, data)
    tasks = tasks_of(suite, examples)
    check_rules(suite, tasks, core)
    with progress_bar(log) as bar:
        task = bar.add_task(suite.suite, total=len(examples))
        verdicts = []
        for verdict in screen_posts(iter([each.post for each in examples]), core, settings):
            verdicts.append(verdict)
            bar.advance(task)
    return examples, answers(examples, verdicts, tasks)


def with_rules(suite: Suite, rules: Sequence[str]) -> Suite:
    """The suite with the user's own rules for some of its tasks. Raises StartupError."""
    tasks = dict(suite.tasks)
    for given in rules:
        task, _, rule = given.partition("=")
        if not rule:
            raise StartupError(f"--rule {given}: write TASK=POLICY/RULE")
        if task in tasks:
            tasks[task] = tasks[task].model_copy(update={"rule": rule})
    return suite.model_copy(update={"tasks": tasks})


def check_rules(suite: Suite, tasks: dict[str, tuple[str, ...]], core: Core) -> None:
    """Raise StartupError for a task whose rule the policy does not have."""
    for task, rules in tasks.items():
        for rule in rules:
            if rule not in core.rules.ids:
                raise StartupError(
                    f"{suite.suite}: the policy has no rule {rule!r} for the task {task!r}; it has "
                    f"{', '.join(core.rules.ids)}. Name yours with --rule '{task}=POLICY/RULE'"
                )
