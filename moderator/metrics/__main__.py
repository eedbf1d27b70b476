"""`python -m moderator.metrics`: writes the table of metrics into docs/operators.md."""

from pathlib import Path

from moderator.metrics.catalogue import insert_table

if __name__ == "__main__":
    page = Path("docs/operators.md")
    page.write_text(insert_table(page.read_text(encoding="utf-8")), encoding="utf-8")
