"""Calibrations into the files beside the policies; never into the policies themselves."""

from collections.abc import Sequence
from pathlib import Path

from moderator.authoring.calibrate import Calibrated
from moderator.errors import StartupError
from moderator.policy.calibration_file import (
    CalibrationFile,
    calibration_path,
    read_calibration,
    write_calibration,
)
from moderator.policy.policyset import PolicySet


def keep(found: Sequence[Calibrated], policies: PolicySet) -> list[Path]:
    """Write the file of every policy with a calibrated rule; its other rules keep theirs.

    Raises PolicyError for a file that is there and cannot be read, StartupError for one that cannot
    be written.
    """
    made = {each.rule: each.calibration for each in found if each.calibration is not None}
    written = []
    for policy in policies.policies:
        ours = {rule.id: made.get(f"{policy.name}/{rule.id}") for rule in policy.rules}
        new = {name: calibration for name, calibration in ours.items() if calibration is not None}
        if not new:
            continue
        path = calibration_path(policies.files[policy.name])
        earlier = read_calibration(path).rules if path.exists() else {}
        rules = {name: rule for name, rule in earlier.items() if name in ours} | new
        try:
            write_calibration(path, CalibrationFile(calibration=policy.name, rules=rules))
        except OSError as error:
            raise StartupError(f"{path}: cannot be written: {error.strerror}") from error
        written.append(path)
    return written
