"""The runtime: loads what it should, and tells nobody about it."""

import os
import subprocess
import sys
from pathlib import Path

STARTER = Path(__file__).parents[3] / "models" / "starter"
LOAD = (
    "import pathlib, sys; from moderator.encoders.onnx import Session;"
    "Session(pathlib.Path(sys.argv[1]), 'cpu')"
)


def test_the_runtime_is_told_to_report_nothing_to_its_maker(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    for name in ("CI", "ORT_DISABLE_TELEMETRY"):  # both would keep it quiet by themselves
        environment.pop(name, None)
    graph = STARTER / "onnx" / "text_model.onnx"
    subprocess.run([sys.executable, "-c", LOAD, graph], env=environment, check=True)

    assert list(tmp_path.iterdir()) == []  # its telemetry keeps a session file there
