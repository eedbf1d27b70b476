import json
import logging
import subprocess
import sys

import pytest

from moderator.logs import formatter, where
from moderator.settings import load_settings


def a_record(**extra: object) -> logging.LogRecord:
    arguments = ("hello %s", ("world",), None, None)
    return logging.getLogger("moderator.x").makeRecord(
        "moderator.x", logging.WARNING, "file.py", 1, *arguments, extra=extra
    )


def test_json_lines_are_objects_with_the_fields_given() -> None:
    line = formatter(load_settings({"log_format": "json"})).format(a_record(partition=3))
    told = json.loads(line)
    assert told.pop("timestamp").endswith("Z")
    assert told == {
        "event": "hello world",
        "level": "warning",
        "logger": "moderator.x",
        "partition": 3,
    }


def test_console_lines_are_for_people() -> None:
    line = formatter(load_settings({"log_format": "console"})).format(a_record(partition=3))
    assert "hello world" in line
    assert "partition=3" in line
    with pytest.raises(ValueError, match=r"Expecting value|Extra data"):
        json.loads(line)


def test_where_names_the_place_of_an_error_and_not_its_message() -> None:
    try:
        int("what a stranger wrote")
    except ValueError as error:
        told = where(error)
    assert told.startswith("ValueError\n")
    assert "test_where_names_the_place" in told
    assert "invalid literal" not in told


def test_lines_of_libraries_have_the_same_form() -> None:
    code = (
        "import logging; from moderator import logs; from moderator.settings import load_settings;"
        "logs.configure(load_settings({'log_format': 'json'}));"
        "logging.getLogger('aiokafka').warning('away'); logging.getLogger('aiokafka').info('no')"
    )
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    (line,) = ran.stderr.splitlines()
    assert json.loads(line)["event"] == "away"


@pytest.mark.parametrize(("level", "clients"), [("INFO", "WARNING"), ("DEBUG", "INFO")])
def test_kafkas_clients_never_quote_their_requests(level: str, clients: str) -> None:
    code = (
        "import logging; from moderator import logs; from moderator.settings import load_settings;"
        f"logs.configure(load_settings({{'log_level': '{level}'}}));"
        "print(logging.getLevelName(logging.getLogger('aiokafka.conn').getEffectiveLevel()))"
    )
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert ran.stdout.strip() == clients
