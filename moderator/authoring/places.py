"""Where a rule or one of its prompts stands in its file.

Looked up in the text rather than in the parsed file: warnings are few, and parsing a thousand rules
a second time would take longer than all the checks.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import accumulate
from pathlib import Path

from moderator.policy.policyset import PolicySet
from moderator.policy.problems import Place, Problem, Source
from moderator.policy.yaml.syntax import split_lines

_ID = re.compile(r"""(?:^|[\s{,-])["']?id["']?\s*:\s*["']?([a-z0-9_-]+)["']?""")
_MOST_WORDS, _FEWEST_WORDS = 12, 3  # of a prompt that is looked for in its file
_BEGINS = re.compile(r"""[-[,:>|]\s*["']?$""")  # what stands before an item of a list or a value
_MOST_BEFORE = 40  # characters of that, indentation included
_FOLD = re.compile(r"\s+")


class Places:
    """The places of a policy set's rules and prompts."""

    def __init__(self, policies: PolicySet) -> None:
        self._files = {name: _Lines(path) for name, path in policies.files.items()}

    def problem(
        self, qualified_id: str, prompt: str | None, message: str, under: Sequence[str] = ()
    ) -> Problem:
        """A problem at a prompt of a rule, or at the rule's id where none is given or found.

        `under`: the keys of the rule below which it stands, such as `examples`, `allows`.
        """
        policy, _, rule = qualified_id.partition("/")
        file = self._files.get(policy)
        if file is None:
            return Problem(Path(policy), 0, 0, message)
        return file.source.problem(message, file.find(rule, prompt, under))


class _Lines:
    def __init__(self, path: Path) -> None:
        self._path = path

    @cached_property
    def source(self) -> Source:
        text = self._path.read_text(encoding="utf-8-sig", errors="replace")
        return Source(self._path, split_lines(text))

    @cached_property
    def _ids(self) -> dict[str, Place]:
        """Each rule's id; what else is called `id` stands later and loses."""
        found: dict[str, Place] = {}
        for number, line in enumerate(self.source.lines, 1):
            for match in _ID.finditer(line) if "id" in line else ():
                name = match[1]
                found.setdefault(name, Place(number, match.start(1) + 1, len(name)))
        return found

    @cached_property
    def _text(self) -> str:
        return "\n".join(self.source.lines)

    @cached_property
    def _begun(self) -> list[int]:
        """Where the lines begin on which rules do."""
        return sorted(self._starts[place.line - 1] for place in self._ids.values())

    @cached_property
    def _starts(self) -> list[int]:
        """Where each line begins in the text."""
        return [0, *accumulate(len(line) + 1 for line in self.source.lines)]

    def find(self, rule: str, prompt: str | None, under: Sequence[str] = ()) -> Place | None:
        """The place of a prompt; of the rule's id where the prompt is None or written otherwise."""
        start = self._ids.get(rule)
        if prompt is None:
            return start
        begun = self._starts[start.line - 1] if start else 0
        below = begun
        for name in under:
            key = re.compile(rf"[\s{{]{name}:").search(self._text, below)
            below = key.end() if key else below
        whole, *shorter = _beginnings(prompt)
        # In the rule, then from the top: shared lists stand before those who use them.
        for wanted in ([whole], shorter):
            for part in (below, self._end(begun)), (0, len(self._text)):
                for words in wanted:
                    found = self._item(words, *part)
                    if found >= 0:
                        return self._place(found, len(prompt))
        return start

    def _end(self, begun: int) -> int:
        """Where the rule that begins on this line ends."""
        following = bisect_right(self._begun, begun)
        return self._begun[following] if following < len(self._begun) else len(self._text)

    def _item(self, wanted: str, start: int, end: int) -> int:
        """Where it begins an item of a list or a value; else wherever it stands; -1 for nowhere."""
        first = found = self._text.find(wanted, start, end)
        while found >= 0:
            if _BEGINS.search(self._text, max(0, found - _MOST_BEFORE), found):
                return found
            found = self._text.find(wanted, found + 1, end)
        return first

    def _place(self, offset: int, length: int) -> Place:
        line = bisect_right(self._starts, offset)
        column = offset - self._starts[line - 1]
        return Place(line, column + 1, min(length, len(self.source.lines[line - 1]) - column))


def _beginnings(prompt: str) -> Iterator[str]:
    """The first words of a prompt, ever fewer of them: authors fold long ones over lines."""
    words = _FOLD.split(prompt)
    fewest = min(len(words), _FEWEST_WORDS)
    for count in (len(words), *range(min(len(words) - 1, _MOST_WORDS), fewest - 1, -1)):
        yield " ".join(words[:count])
