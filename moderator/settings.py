"""Every setting, in one frozen object; each is an environment variable, MODERATOR_NAME."""

import difflib
import os
from collections.abc import Iterable, Mapping
from importlib.resources import files
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from moderator.errors import SettingsError

PREFIX = "MODERATOR_"
_OF_TESTS = PREFIX + "TEST_"


def bundled(name: str) -> Path:
    """The path of a file or folder that comes with the package, such as `policies`.

    An installed package carries it inside; a checkout has it at the top of the tree.
    """
    package = Path(str(files("moderator")))
    inside = package / "_data" / name
    return inside if inside.exists() else package.parent / name


class Settings(BaseSettings):
    """How one process runs. Built once, by the composition root; never read from elsewhere."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    # --- Kafka
    kafka: Annotated[str, Field(description="bootstrap servers, host:port[,host:port]…")] = (
        "127.0.0.1:9092"
    )
    posts_topic: Annotated[str, Field(description="where posts come from")] = "posts"
    verdicts_topic: Annotated[str, Field(description="where verdicts go")] = "verdicts"
    dead_letters_topic: Annotated[
        str, Field(description="where undecodable posts and unreadable media go")
    ] = "dead-letters"
    partitions: Annotated[
        int, Field(ge=1, description="of topics the worker creates; the most workers of a group")
    ] = 8
    group: Annotated[
        str, Field(description="consumer group; workers of one group share the partitions")
    ] = "moderator"
    session_timeout_seconds: Annotated[
        float,
        Field(gt=0, description="a silent worker loses its partitions after this; less is faster"),
    ] = 10.0
    commit_interval_seconds: Annotated[
        float, Field(gt=0, description="less means fewer duplicates after a crash, more requests")
    ] = 1.0
    max_in_flight_posts: Annotated[
        int, Field(ge=1, description="posts read and not yet answered; bounds memory")
    ] = 512
    max_in_flight_bytes: Annotated[
        int, Field(ge=1, description="the same bound in bytes of message values")
    ] = 128 * 2**20
    drain_seconds: Annotated[
        float, Field(gt=0, description="after SIGTERM, time for posts in flight to be answered")
    ] = 20.0

    # --- Models and policies
    models: Annotated[Path, Field(description="folder of the encoders")] = bundled("models/starter")
    provider: Annotated[
        Literal["auto", "cpu", "cuda", "tensorrt"],
        Field(description="auto takes a GPU when there is one; a named one must be there"),
    ] = "auto"
    policies: Annotated[
        tuple[Path, ...],
        NoDecode,
        Field(description="policy files or folders of them, separated by commas"),
    ] = (bundled("policies"),)
    callers: Annotated[
        int, Field(ge=0, description="batches screened at the same time; 0: one for each core")
    ] = 0
    batch_posts: Annotated[
        int, Field(ge=1, description="most posts in a batch; more is faster on a GPU, slower alone")
    ] = 16
    batch_wait_ms: Annotated[
        float, Field(ge=0, description="how long a batch waits for company while a caller is free")
    ] = 2.0
    verdict_detail: Annotated[
        Literal["crossed", "full"],
        Field(description="full lists every rule in every verdict, for tuning; large"),
    ] = "crossed"

    # --- Cache
    redis: Annotated[
        SecretStr | None, Field(description="redis://…; without it embeddings are kept in memory")
    ] = None
    cache_vectors: Annotated[int, Field(ge=1, description="embeddings kept in memory")] = 50_000

    # --- Limits on posts
    max_post_bytes: Annotated[int, Field(ge=1, description="larger posts are dead letters")] = (
        16 * 2**20
    )
    max_meta_bytes: Annotated[int, Field(ge=0, description="of `meta`, as JSON")] = 64 * 2**10
    max_text_characters: Annotated[
        int, Field(ge=1, description="the rest is not read, and the post goes to review")
    ] = 20_000
    max_media: Annotated[
        int, Field(ge=0, description="attachments read; with more the post goes to review")
    ] = 20

    # --- Media
    media_fetchers: Annotated[int, Field(ge=1, description="posts fetching at once")] = 16
    media_timeout_seconds: Annotated[float, Field(gt=0, description="for one attachment")] = 5.0
    media_max_bytes: Annotated[int, Field(ge=1, description="for one attachment")] = 20 * 2**20
    media_post_seconds: Annotated[
        float, Field(gt=0, description="for all attachments of a post, retries included")
    ] = 15.0
    media_post_bytes: Annotated[int, Field(ge=1, description="fetched for one post")] = 40 * 2**20
    media_post_pixels: Annotated[
        int, Field(ge=1, description="decoded for one post; with more it goes to review")
    ] = 100_000_000
    media_max_pixels: Annotated[int, Field(ge=1, description="for one image")] = 50_000_000
    media_ports: Annotated[
        tuple[int, ...], NoDecode, Field(description="ports of media URLs, separated by commas")
    ] = (80, 443)
    media_allow_networks: Annotated[
        tuple[str, ...],
        NoDecode,
        Field(description="private networks media may come from all the same, as CIDR"),
    ] = ()
    media_file_root: Annotated[
        Path | None, Field(description="the only folder `file:` URLs may read; none: refused")
    ] = None

    # --- The worker's own pages: /health, /ready, /metrics
    web_host: Annotated[
        str, Field(description="0.0.0.0 lets Prometheus and probes of other machines in")
    ] = "127.0.0.1"
    web_port: Annotated[
        int, Field(ge=0, le=65535, description="each worker of a machine needs its own")
    ] = 6066
    metrics_rules: Annotated[
        int, Field(ge=0, description="rules with metrics of their own; the others share a label")
    ] = 100
    # --- Logs and traces
    otlp_endpoint: Annotated[
        str | None,
        Field(description="http://collector:4318/v1/traces; traces go there, with the extra otel"),
    ] = None
    trace_ratio: Annotated[
        float, Field(ge=0, le=1, description="share of posts traced that carry no decision")
    ] = 0.01
    log_format: Annotated[
        Literal["console", "json"], Field(description="json: an object per line, for machines")
    ] = "console"
    log_content: Annotated[
        bool, Field(description="let log lines quote posts; for debugging, not for production")
    ] = False
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"],
        Field(description="of our own lines; libraries start at WARNING, or at DEBUG with it"),
    ] = "INFO"

    @property
    def batches_at_once(self) -> int:
        """How many batches to screen side by side: `callers`, or the cores this process may use."""
        if hasattr(os, "sched_getaffinity"):  # what a container or taskset leaves us; Linux only
            return self.callers or len(os.sched_getaffinity(0))
        return self.callers or os.cpu_count() or 1

    @field_validator("policies", "media_ports", "media_allow_networks", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("redis", "media_file_root", "otlp_endpoint", mode="before")
    @classmethod
    def _blank_is_absent(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("kafka")
    @classmethod
    def _has_ports(cls, value: str) -> str:
        for server in value.split(","):
            host, _, port = server.strip().rpartition(":")
            if not host or not port.isdigit():
                raise ValueError(f"{server.strip()!r} is not host:port")
        return value

    @field_validator("media_allow_networks")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            ip_network(network)
        return value


class SettingRow(NamedTuple):
    """One line of `moderator config`."""

    name: str
    value: str
    source: str
    description: str


def load_settings(overrides: Mapping[str, Any] | None = None) -> Settings:
    """Settings from the defaults, the environment, and on top `overrides` that are not None.

    Raises SettingsError that names every setting that is wrong and the variable to change.
    """
    _refuse_unknown(os.environ)
    given = {name: value for name, value in (overrides or {}).items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        lines = [
            f"{PREFIX}{str(problem['loc'][0]).upper()}: "
            f"{problem['msg'].removeprefix('Value error, ')}"
            for problem in error.errors(include_url=False, include_input=False)
        ]
        raise SettingsError("\n".join(lines)) from error


def _refuse_unknown(names: Iterable[str]) -> None:
    known = [PREFIX + name.upper() for name in Settings.model_fields]
    for name in names:
        if name.startswith(PREFIX) and name not in known and not name.startswith(_OF_TESTS):
            near = difflib.get_close_matches(name, known, 1, cutoff=0.8)
            hint = f", did you mean {near[0]}?" if near else "; `moderator config` lists them all"
            raise SettingsError(f"unknown setting {name}{hint}")


def explain(settings: Settings) -> list[SettingRow]:
    """Every setting with its value and where it came from; secrets are masked."""
    return [
        SettingRow(
            PREFIX + name.upper(),
            _show(getattr(settings, name)),
            "environment" if name in settings.model_fields_set else "default",
            field.description or "",
        )
        for name, field in Settings.model_fields.items()
    ]


def _show(value: object) -> str:
    if value is None:
        return ""
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
