"""Servers that ask for TLS, users and passwords; and no secret is ever told."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from moderator.cache.redis import RedisCache
from moderator.doctor.finding import Status
from moderator.doctor.kafka import check_kafka
from moderator.doctor.redis import check_redis
from moderator.errors import SettingsError
from moderator.settings import Settings, explain, load_settings
from moderator.stream.security import kafka_security
from tests.services.kafka.jars import Jars
from tests.services.kafka.secured import USER, SecuredKafka
from tests.services.redis import Redis
from tests.services.tls import Certificates, make_certificates
from tests.stream.harness import Stream, eventually, posts

SECRET = "kafka-s3cr3t"
REDIS_SECRET = "redis-s3cr3t"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def secured(
    kafka_jars: Jars, certificates: Certificates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SecuredKafka]:
    folder = tmp_path_factory.mktemp("kafka")
    with SecuredKafka(kafka_jars, folder, certificates, SECRET) as broker:
        yield broker


@pytest.fixture
def secured_redis(
    redis_executable: str, certificates: Certificates, tmp_path: Path
) -> Iterator[Redis]:
    """Plain text on one port for the test itself, TLS with users on the other."""
    server = Redis(redis_executable, tmp_path)
    server._settings = {
        "--tls-port": str(server.port + 1),
        "--tls-cert-file": str(certificates.server_cert),
        "--tls-key-file": str(certificates.server_key),
        "--tls-ca-cert-file": str(certificates.ca),
        "--user": f"moderator on >{REDIS_SECRET} ~* +@read +@write +@connection",
    }
    with server:
        yield server


def secure_url(server: Redis, secret: str = REDIS_SECRET) -> str:
    return f"rediss://moderator:{secret}@127.0.0.1:{server.port + 1}/0"


def options(secured: SecuredKafka, certificates: Certificates) -> dict[str, object]:
    return {
        "kafka": secured.secure,
        "kafka_security": "SASL_SSL",
        "kafka_username": USER,
        "kafka_password": SECRET,
        "kafka_ca_file": certificates.ca,
        "kafka_cert_file": certificates.client_cert,
        "kafka_key_file": certificates.client_key,
    }


@pytest.mark.real_kafka
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
async def test_a_worker_works_on_kafka_and_redis_with_tls_and_users_and_tells_no_secret(
    mechanism: str,
    secured: SecuredKafka,
    secured_redis: Redis,
    certificates: Certificates,
    tmp_path: Path,
) -> None:
    stream = Stream(secured, mechanism.lower(), tmp_path)
    worker = stream.worker(
        **options(secured, certificates),
        kafka_sasl=mechanism,
        redis=secure_url(secured_redis),
        redis_ca_file=certificates.ca,
        redis_cert_file=certificates.client_cert,
        redis_key_file=certificates.client_key,
        log_level="DEBUG",
    )
    with worker.start():  # which also creates the topics
        await stream.send([*posts(20), ("bad", b"{")])
        answers = await stream.answers(21)
        assert worker.metric("moderator_cache_healthy") == 1
        metrics = worker.page("metrics")[1]
        worker.stop()

    told = [worker.log.read_text(), metrics, *(repr(v) for v in answers.verdicts)]
    told += [repr(letter) for letter in answers.dead_letters]
    assert "reading " in told[0]
    for text in told:
        assert SECRET not in text
        assert REDIS_SECRET not in text


@pytest.mark.real_kafka
async def test_a_wrong_password_is_told_without_the_password_and_the_worker_is_not_ready(
    secured: SecuredKafka, certificates: Certificates, tmp_path: Path
) -> None:
    stream = Stream(secured, "wrong", tmp_path)
    wrong = {**options(secured, certificates), "kafka_password": "wr0ng-s3cr3t"}
    with stream.worker(**wrong, log_level="DEBUG").start(until="health") as worker:
        await eventually(lambda: "uthentication failed" in worker.log.read_text())
        assert worker.page("ready")[0] == 503
        assert "wr0ng" not in worker.log.read_text()


@pytest.mark.real_kafka
def test_the_doctor_gets_in_as_a_worker_does_and_tells_no_secret(
    secured: SecuredKafka, secured_redis: Redis, certificates: Certificates
) -> None:
    settings = load_settings(
        {
            **options(secured, certificates),
            "redis": secure_url(secured_redis),
            "redis_ca_file": certificates.ca,
            "redis_cert_file": certificates.client_cert,
            "redis_key_file": certificates.client_key,
        }
    )
    found = {each.check: each for each in (*check_kafka(settings), *check_redis(settings))}
    assert found["broker"].status is Status.OK
    assert found["redis"].status in (Status.OK, Status.WARN)
    assert found["redis"].found.startswith("answers in")
    assert found["redis memory"].status is Status.UNKNOWN  # its user may only read and write
    wrong = settings.model_copy(update={"kafka_password": SecretStr("wr0ng")})
    (refused,) = check_kafka(wrong)
    assert refused.status is Status.FAIL
    assert "MODERATOR_KAFKA_SECURITY" in refused.advice
    for finding in (*found.values(), refused):
        for secret in (SECRET, REDIS_SECRET, "wr0ng"):
            assert secret not in repr(finding)


def test_redis_with_a_wrong_password_counts_as_away_and_tells_no_password(
    secured_redis: Redis, certificates: Certificates, caplog: pytest.LogCaptureFixture
) -> None:
    cache = RedisCache(secure_url(secured_redis, "wr0ng"), tls={"ca": str(certificates.ca)})
    assert cache.get(["key"]) == [None]
    assert not cache.healthy
    assert "is away" in caplog.text
    assert "wr0ng" not in caplog.text


def test_certificates_without_tls_are_a_wrong_setting(certificates: Certificates) -> None:
    with pytest.raises(SettingsError, match="rediss://"):
        RedisCache("redis://:s3cr3t@127.0.0.1:1/0", tls={"ca": str(certificates.ca)})


@pytest.mark.parametrize("security", ["SASL_SSL", "SASL_PLAINTEXT"])
def test_sasl_without_a_user_or_a_password_is_a_wrong_setting(security: str) -> None:
    for given in ({}, {"kafka_username": USER}, {"kafka_password": SECRET}):
        with pytest.raises(SettingsError, match="MODERATOR_KAFKA_USERNAME") as caught:
            load_settings({"kafka_security": security, **given})
        assert SECRET not in str(caught.value)


def test_certificates_that_cannot_be_read_are_a_wrong_setting(tmp_path: Path) -> None:
    nowhere = {"kafka_security": "SSL", "kafka_ca_file": tmp_path / "nowhere.pem"}
    with pytest.raises(SettingsError, match="MODERATOR_KAFKA_CA_FILE"):
        kafka_security(load_settings(nowhere))


def test_no_setting_that_is_shown_holds_a_secret() -> None:
    settings = load_settings(
        {
            "kafka_password": SECRET,
            "kafka_key_password": SECRET,
            "redis": f"redis://:{SECRET}@localhost/0",
        }
    )
    assert isinstance(settings, Settings)
    assert SECRET not in repr(settings)
    assert all(SECRET not in row.value for row in explain(settings))
