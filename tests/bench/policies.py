"""Policy files with as many rules as one likes."""

from pathlib import Path

_RULES_PER_FILE = 1000


def write_policies(folder: Path, rules: int) -> Path:
    """A folder of policies with `rules` rules in all; two prompts a side."""
    folder.mkdir()
    for start in range(0, rules, _RULES_PER_FILE):
        lines = [f"policy: bench-{start}", "version: 1", "rules:"]
        for number in range(start, min(start + _RULES_PER_FILE, rules)):
            lines += [
                f"  - id: rule-{number}",
                "    title: A rule",
                "    severity: low",
                "    action: review",
                "    threshold: 0.95",
                f"    violates: [violating {number} a, violating {number} b]",
                f"    allows: [allowing {number} a, allowing {number} b]",
            ]
        (folder / f"bench-{start}.yaml").write_text("\n".join(lines) + "\n")
    return folder
