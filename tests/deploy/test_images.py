"""The Dockerfile, as far as it can be judged without an engine to build it."""

import re
import subprocess
import sys
from pathlib import Path

DOCKERFILE = Path("deploy/Dockerfile")
HADOLINT = Path(sys.executable).with_name("hadolint")


def test_the_dockerfile_passes_its_linter() -> None:
    ran = subprocess.run([HADOLINT, DOCKERFILE], check=False, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout


def test_everything_that_is_copied_exists_and_is_let_into_the_build() -> None:
    let_in = [line[1:] for line in Path(".dockerignore").read_text().splitlines() if line[0] == "!"]
    for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE.read_text(), re.MULTILINE):
        for source in sources.split():
            assert Path(source).exists()
            assert source in let_in


def test_both_images_run_as_nobody_in_particular_and_tell_their_health() -> None:
    for target in ("cpu", "cuda"):
        stage = DOCKERFILE.read_text().split(f" AS {target}\n")[1].split("\nFROM ")[0]
        assert "\nUSER 10001\n" in stage
        assert "\nHEALTHCHECK " in stage
        assert "/health" in stage


def test_both_images_have_the_same_onnxruntime() -> None:
    lock = Path("deploy/requirements.lock").read_text()
    (on_cpu,) = re.findall(r"^onnxruntime==(\S+)", lock, re.MULTILINE)
    gpu = Path("deploy/requirements-gpu.txt").read_text()
    assert re.findall(r"^onnxruntime-gpu==(\S+)", gpu, re.MULTILINE) == [on_cpu]
