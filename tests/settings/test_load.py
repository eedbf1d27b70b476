from pathlib import Path

import pytest

from moderator.errors import SettingsError
from moderator.settings import PREFIX, Settings, bundled, explain, load_settings


@pytest.fixture(autouse=True)
def _no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(PREFIX + name.upper(), raising=False)


def refusal(monkeypatch: pytest.MonkeyPatch, **variables: str) -> str:
    for name, value in variables.items():
        monkeypatch.setenv(PREFIX + name.upper(), value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    return str(caught.value)


def test_the_defaults_need_nothing_from_outside() -> None:
    settings = load_settings()
    assert (settings.kafka, settings.posts_topic) == ("127.0.0.1:9092", "posts")
    assert settings.redis is None
    assert settings.media_file_root is None
    assert settings.media_allow_networks == ()
    assert settings.models == bundled("models/starter")
    assert settings.policies == (bundled("policies"),)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("kafka", "a:1,b:2", "a:1,b:2"),
        ("partitions", "3", 3),
        ("batch_wait_ms", "0", 0.0),
        ("policies", "a.yaml, b/", (Path("a.yaml"), Path("b"))),
        ("media_ports", "80,8080", (80, 8080)),
        ("media_schemes", "https", ("https",)),
        ("media_allow_networks", "10.0.0.0/8, fd00::/8", ("10.0.0.0/8", "fd00::/8")),
        ("media_file_root", "/srv", Path("/srv")),
        ("verdict_detail", "full", "full"),
    ],
)
def test_the_environment_beats_the_defaults(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: object
) -> None:
    monkeypatch.setenv(PREFIX + name.upper(), value)
    assert getattr(load_settings(), name) == expected


def test_an_override_beats_the_environment_unless_it_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MODERATOR_KAFKA", "environment:1")
    monkeypatch.setenv("MODERATOR_WEB_PORT", "7000")
    settings = load_settings({"kafka": "override:2", "web_port": None})
    assert (settings.kafka, settings.web_port) == ("override:2", 7000)


@pytest.mark.parametrize("name", ["redis", "media_file_root"])
def test_a_blank_variable_is_none_at_all(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(PREFIX + name.upper(), "")
    assert getattr(load_settings(), name) is None


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("kafka", "localhost", "'localhost' is not host:port"),
        ("kafka", "a:1,b", "'b' is not host:port"),
        ("kafka", "", "is not host:port"),
        ("partitions", "0", "greater than or equal to 1"),
        ("partitions", "many", "integer"),
        ("batch_wait_ms", "-1", "greater than or equal to 0"),
        ("drain_seconds", "0", "greater than 0"),
        ("provider", "gpu", "'auto', 'cpu', 'openvino', 'cuda', 'cuda-graphs' or 'tensorrt'"),
        ("verdict_detail", "all", "'crossed' or 'full'"),
        ("media_ports", "80,http", "integer"),
        ("media_schemes", "https,ftp", "'http' or 'https'"),
        ("media_allow_networks", "10.0.0.1/8", "10.0.0.1/8 has host bits set"),
        ("media_allow_networks", "intranet", "'intranet'"),
        ("web_port", "70000", "65535"),
        ("log_level", "loud", "'DEBUG'"),
    ],
)
def test_a_wrong_value_names_its_variable_and_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    message = refusal(monkeypatch, **{name: value})
    assert message.startswith(f"{PREFIX}{name.upper()}: ")
    assert said in message
    assert "\n" not in message


def test_all_wrong_values_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    message = refusal(monkeypatch, kafka="x", partitions="0", log_level="loud")
    assert [line.partition(":")[0] for line in message.splitlines()] == [
        "MODERATOR_KAFKA",
        "MODERATOR_PARTITIONS",
        "MODERATOR_LOG_LEVEL",
    ]


def test_a_misspelt_variable_is_refused_with_the_one_that_was_meant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    message = refusal(monkeypatch, kakfa="host:9092")
    assert message == "unknown setting MODERATOR_KAKFA, did you mean MODERATOR_KAFKA?"


def test_every_setting_is_explained_with_its_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODERATOR_MEDIA_PORTS", "80,8080")
    rows = {row.name: row for row in explain(load_settings())}
    assert set(rows) == {PREFIX + name.upper() for name in Settings.model_fields}
    assert (rows["MODERATOR_MEDIA_PORTS"].value, rows["MODERATOR_MEDIA_PORTS"].source) == (
        "80,8080",
        "environment",
    )
    assert (rows["MODERATOR_KAFKA"].value, rows["MODERATOR_KAFKA"].source) == (
        "127.0.0.1:9092",
        "default",
    )
    assert rows["MODERATOR_REDIS"].value == ""


def test_the_password_of_redis_is_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODERATOR_REDIS", "redis://user:s3cret@host:6379/0")
    settings = load_settings()
    assert "s3cret" not in repr(settings) + str(explain(settings)) + str(settings.model_dump())
    assert settings.redis is not None
    assert "s3cret" in settings.redis.get_secret_value()
