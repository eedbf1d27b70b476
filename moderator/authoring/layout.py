"""`moderator policy fmt`: one layout for all policies, comments kept."""

import io
from pathlib import Path

from ruamel.yaml import YAML

from moderator.errors import StartupError
from moderator.policy.load import load_policies

WIDTH = 100


def formatted(path: Path) -> str:
    """A policy file in our layout: two spaces, lists indented below their key, 100 columns.

    Raises PolicyError for a file that is no policy.
    """
    load_policies([path])  # with its limits: the library below has none
    text = path.read_text(encoding="utf-8-sig")
    for _ in range(3):  # folding long lines may move a comment, and the second pass settles it
        again = _once(text)
        if again == text:
            break
        text = again
    return text


def write_formatted(path: Path, text: str) -> None:
    """Put the text in place of the file if it says the same. Raises StartupError.

    What the policies say is compared, not their digests: a calibration lies beside the file alone.
    """
    before = load_policies([path]).policies
    partial = path.with_name(f".{path.name}.partial{path.suffix}")
    try:
        partial.write_text(text, encoding="utf-8")
        if load_policies([partial]).policies != before:
            raise StartupError(
                f"{path}: left as it is, because its layout would change its meaning"
            )
        partial.replace(path)
    except OSError as error:
        raise StartupError(f"{path}: cannot be written: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)


def _once(text: str) -> str:
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = WIDTH
    yaml.indent(mapping=2, sequence=4, offset=2)
    written = io.StringIO()
    yaml.dump(yaml.load(text), written)
    return "\n".join(line.rstrip() for line in written.getvalue().splitlines()).rstrip() + "\n"
