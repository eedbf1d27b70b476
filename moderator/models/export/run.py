"""From a checkpoint to a folder of graphs, or to none if they do not agree with it."""

import json
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from moderator.errors import ModelError, StartupError
from moderator.extras import how_to_install
from moderator.models.folder import sha256, write_sums

OPEN_CLIP: Final = "open_clip:"
_NEEDED: Final = ("torch", "onnx", "onnxruntime")


def export(checkpoint: str, target: Path) -> dict[str, float]:
    """Write `target`; how far each graph is from the checkpoint, as the largest 1 - cosine.

    Args:
        checkpoint: a folder or a name of the hub for transformers, or open_clip:MODEL/PRETRAINED,
            such as open_clip:ViT-B-32/laion2b_s34b_b79k; PRETRAINED may be a file.
        target: a folder that does not exist yet; nothing is left of it after an error.

    Raises:
        StartupError: the extra is not installed.
        ModelError: the checkpoint cannot be read, is of no family we know, or its graphs differ.
    """
    of_open_clip = checkpoint.startswith(OPEN_CLIP)
    _require_extra("open_clip" if of_open_clip else "transformers")
    if target.exists():
        raise ModelError(f"{target}: exists; name a new folder with --to")
    staging = target.with_name(f".{target.name}.partial")
    shutil.rmtree(staging, ignore_errors=True)
    try:
        staging.mkdir(parents=True)
        found = _export(checkpoint, staging, of_open_clip=of_open_clip)
        report = {"from": checkpoint, "drift_worst": found}
        (staging / "exported.json").write_text(json.dumps(report, indent=2) + "\n", "utf-8")
        names = [p.relative_to(staging).as_posix() for p in staging.rglob("*") if p.is_file()]
        write_sums(staging, {name: sha256(staging / name) for name in names})
        staging.rename(target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return found


def _export(checkpoint: str, staging: Path, *, of_open_clip: bool) -> dict[str, float]:
    from moderator.models.export import open_clip, transformers

    try:
        if of_open_clip:
            return open_clip.export(checkpoint.removeprefix(OPEN_CLIP), staging)
        return transformers.export(checkpoint, staging)
    except ModelError:
        raise
    except Exception as error:  # the exceptions of torch and its kin share no base class
        raise ModelError(f"{checkpoint}: cannot be exported: {error}") from error


def _require_extra(library: str) -> None:
    if lacking := [name for name in (library, *_NEEDED) if find_spec(name) is None]:
        raise StartupError(
            f"`export` needs {', '.join(lacking)}: {how_to_install('export', 'cpu')}, in an "
            "environment of its own, as torch takes gigabytes"
        )
