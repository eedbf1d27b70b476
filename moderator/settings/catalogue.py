"""Every setting, in one frozen object; each is an environment variable, MODERATOR_NAME."""

from importlib.resources import files
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from moderator.cores import usable_cores

PREFIX = "MODERATOR_"
_PEM_FILES = ("ca", "cert", "key")


def bundled(name: str) -> Path:
    """The path of a file or folder that comes with the package, such as `policies`.

    An installed package carries it inside; a checkout has it at the top of the tree.
    """
    package = Path(str(files("moderator")))
    inside = package / "_data" / name
    return inside if inside.exists() else package.parent / name


class Settings(BaseSettings):
    """How one process runs. Built once, by the composition root; never read from elsewhere."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="ignore", validate_default=True
    )

    # --- Kafka
    kafka: Annotated[str, Field(description="bootstrap servers, host:port[,host:port]…")] = (
        "127.0.0.1:9092"
    )
    kafka_security: Annotated[
        Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"],
        Field(description="as the brokers' listener has it"),
    ] = "PLAINTEXT"
    kafka_sasl: Annotated[
        Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"],
        Field(description="how user and password are shown to the brokers"),
    ] = "SCRAM-SHA-512"
    kafka_username: Annotated[str | None, Field(description="with SASL_…")] = None
    kafka_password: Annotated[SecretStr | None, Field(description="with SASL_…")] = None
    kafka_ca_file: Annotated[
        Path | None, Field(description="PEM; who signs the brokers, instead of the system's list")
    ] = None
    kafka_cert_file: Annotated[
        Path | None, Field(description="PEM; our own certificate, where brokers ask for one")
    ] = None
    kafka_key_file: Annotated[Path | None, Field(description="PEM; its key")] = None
    kafka_key_password: Annotated[SecretStr | None, Field(description="of that key")] = None
    kafka_metadata_seconds: Annotated[
        float, Field(gt=0, description="until new partitions of the topics are noticed")
    ] = 60.0
    posts_topic: Annotated[str, Field(description="where posts come from")] = "posts"
    verdicts_topic: Annotated[str, Field(description="where verdicts go")] = "verdicts"
    dead_letters_topic: Annotated[
        str, Field(description="where undecodable posts and unreadable media go")
    ] = "dead-letters"
    retries_topic: Annotated[
        str, Field(description="where posts wait whose media are tried again later")
    ] = "posts-retries"
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
    delivery: Annotated[
        Literal["at_least_once", "exactly_once"],
        Field(description="exactly_once: verdicts and offsets in one transaction; costs latency"),
    ] = "at_least_once"
    overload: Annotated[
        Literal["wait", "degrade"],
        Field(description="degrade: late posts get a verdict on their text, later one on all"),
    ] = "wait"
    overload_seconds: Annotated[
        float, Field(gt=0, description="posts that waited longer than this in Kafka are late")
    ] = 10.0
    max_in_flight_posts: Annotated[
        int, Field(ge=1, description="posts read and not yet answered; bounds memory")
    ] = 512
    max_in_flight_bytes: Annotated[
        int, Field(ge=1, description="the same bound in bytes of message values")
    ] = 128 * 2**20
    drain_seconds: Annotated[
        float, Field(gt=0, description="after SIGTERM, time for posts in flight to be answered")
    ] = 20.0
    stall_seconds: Annotated[
        float, Field(gt=0, description="a worker that gets nowhere for this long ends itself")
    ] = 120.0

    # --- Models and policies
    models: Annotated[
        Path, Field(description="folder of the encoders, or a name of `moderator models list`")
    ] = bundled("models/starter")
    models_home: Annotated[
        Path, Field(description="where `moderator models pull` puts models, a folder for each")
    ] = Path("~/.cache/moderator/models")
    text_models: Annotated[
        Path | None,
        Field(
            description="another text encoder, for texts: folder or name; models reads images then"
        ),
    ] = None
    variant: Annotated[
        str,
        Field(
            description="of the graphs: fp32, fp16, int8 or another ending of their names; auto: "
            "fp16 with provider cuda or tensorrt, else fp32"
        ),
    ] = "auto"
    provider: Annotated[
        Literal["auto", "cpu", "openvino", "cuda", "cuda-graphs", "tensorrt"],
        Field(description="auto takes a GPU when there is one; a named one must be there"),
    ] = "auto"
    policies: Annotated[
        tuple[Path, ...],
        NoDecode,
        Field(description="policy files or folders of them, separated by commas"),
    ] = (bundled("policies"),)
    policy_reload_seconds: Annotated[
        float, Field(ge=0, description="how often policy files are looked at for changes; 0: never")
    ] = 5.0
    policies_topic: Annotated[
        str,
        Field(description="follow what `moderator policy publish` puts there instead of files"),
    ] = ""
    callers: Annotated[
        int, Field(ge=0, description="batches screened at the same time; 0: one for each core")
    ] = 0
    batch_posts: Annotated[
        int, Field(ge=1, description="most posts in a batch; more is faster on a GPU, slower alone")
    ] = 16
    batch_bytes: Annotated[
        int, Field(ge=1, description="most bytes of posts and attachments in a batch of several")
    ] = 8 * 2**20
    batch_characters: Annotated[
        int,
        Field(
            ge=1, description="most characters of texts, some four a token, in a batch of several"
        ),
    ] = 2**16
    batch_wait_ms: Annotated[
        float, Field(ge=0, description="how long a batch waits for company while a caller is free")
    ] = 2.0
    verdict_detail: Annotated[
        Literal["crossed", "full"],
        Field(description="full lists every rule in every verdict, for tuning; large"),
    ] = "crossed"

    # --- Cache
    redis: Annotated[
        SecretStr | None,
        Field(
            description="redis://[user:password@]host:port/db, or rediss://… with TLS; without it "
            "embeddings are kept in memory"
        ),
    ] = None
    redis_ca_file: Annotated[
        Path | None, Field(description="PEM; who signs it, instead of the system's list")
    ] = None
    redis_cert_file: Annotated[
        Path | None, Field(description="PEM; our own certificate, where it asks for one")
    ] = None
    redis_key_file: Annotated[Path | None, Field(description="PEM; its key")] = None
    cache_vectors: Annotated[int, Field(ge=1, description="embeddings kept in memory")] = 50_000
    media_cache_bytes: Annotated[
        int, Field(ge=0, description="memory for attachments seen before; 0: encode every one anew")
    ] = 256 * 2**20
    media_cache_seconds: Annotated[
        int, Field(ge=1, description="how long Redis keeps the embedding of an attachment")
    ] = 7 * 24 * 3600

    # --- Limits on posts
    max_post_bytes: Annotated[int, Field(ge=1, description="larger posts are dead letters")] = (
        16 * 2**20
    )
    max_meta_bytes: Annotated[int, Field(ge=0, description="of `meta`, as JSON")] = 64 * 2**10
    text_sentences: Annotated[
        bool,
        Field(
            description="read each sentence by itself, too, so that a harmless one hides no other; "
            "about twice the encoding, and twice the false alarms until thresholds are raised"
        ),
    ] = False
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
    media_retries: Annotated[
        int, Field(ge=0, description="tries later on, when a host is away; then it is a review")
    ] = 4
    retry_first_seconds: Annotated[
        float, Field(gt=0, description="wait before the first of them; the next wait twice that")
    ] = 2.0
    retry_most_seconds: Annotated[float, Field(gt=0, description="longest of these waits")] = 60.0
    media_post_bytes: Annotated[int, Field(ge=1, description="fetched for one post")] = 40 * 2**20
    media_post_pixels: Annotated[
        int, Field(ge=1, description="decoded for one post; with more it goes to review")
    ] = 100_000_000
    media_max_pixels: Annotated[int, Field(ge=1, description="for one image")] = 50_000_000
    media_frames: Annotated[
        int, Field(ge=1, description="of an animation or a video that are looked at")
    ] = 8
    media_frames_vote: Annotated[
        Literal["max", "smoothed"],
        Field(description="max: the worst frame counts; smoothed: the worst three in a row"),
    ] = "max"
    media_truncated: Annotated[
        Literal["refuse", "read"],
        Field(description="files that end early; read: what is there, and the post goes to review"),
    ] = "refuse"
    decoder_processes: Annotated[
        int,
        Field(ge=-1, description="-1: one for each batch at once; 0: decode in the worker itself"),
    ] = -1
    decoder_seconds: Annotated[
        float, Field(gt=0, description="for decoding one attachment, in a decoder process")
    ] = 20.0
    ocr: Annotated[
        Literal["off", "on"],
        Field(
            description="on: read what is written in images, too, about half a second of a core "
            "for one with text; needs the extra ocr"
        ),
    ] = "off"
    ocr_seconds: Annotated[
        float,
        Field(gt=0, description="of a core, for one attachment; with more text it goes to review"),
    ] = 5.0
    media_post_decode_seconds: Annotated[
        float, Field(gt=0, description="for all attachments of a post; with more it goes to review")
    ] = 30.0
    media_schemes: Annotated[
        tuple[Literal["http", "https"], ...],
        NoDecode,
        Field(description="of media URLs, separated by commas; https alone: nothing in plain text"),
    ] = ("http", "https")
    media_ports: Annotated[
        tuple[int, ...], NoDecode, Field(description="ports of media URLs, separated by commas")
    ] = (80, 443)
    media_allow_hosts: Annotated[
        tuple[str, ...],
        NoDecode,
        Field(description="the only hosts media may come from; .example.com: those below it too"),
    ] = ()
    media_host_requests: Annotated[int, Field(ge=1, description="at once to one host")] = 8
    media_host_failures: Annotated[
        int, Field(ge=1, description="in a row, after which a host is left alone for a while")
    ] = 5
    media_host_rest_seconds: Annotated[float, Field(ge=0, description="that while")] = 30.0
    media_proxy: Annotated[
        SecretStr | None,
        Field(
            description="http://[user:password@]host:port; it must refuse inner addresses itself"
        ),
    ] = None
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
    # --- The console: `moderator console`, its own process
    console_host: Annotated[
        str, Field(description="beyond loopback only with console_auth header or oidc")
    ] = "127.0.0.1"
    console_port: Annotated[int, Field(ge=0, le=65535, description="of its pages")] = 6067
    console_url: Annotated[
        str | None,
        Field(description="https://name people reach it by; other names are refused"),
    ] = None
    console_redis: Annotated[
        SecretStr | None,
        Field(description="its queue and counts, as redis://…; without it that of MODERATOR_REDIS"),
    ] = None
    console_group: Annotated[
        str, Field(description="its consumer group; where it goes on after a restart")
    ] = "moderator-console"
    console_auth: Annotated[
        Literal["none", "header", "oidc"],
        Field(description="none: on loopback, all may do all; header: a proxy says who it is"),
    ] = "none"
    console_proxies: Annotated[
        tuple[str, ...],
        NoDecode,
        Field(description="networks of the proxies whose headers are believed, as CIDR"),
    ] = ()
    console_user_header: Annotated[str, Field(description="in which the proxy names the user")] = (
        "X-Forwarded-User"
    )
    console_groups_header: Annotated[
        str, Field(description="and the user's groups, separated by commas")
    ] = "X-Forwarded-Groups"
    console_oidc_issuer: Annotated[
        str | None, Field(description="https://…; what stands before /.well-known")
    ] = None
    console_oidc_client: Annotated[str | None, Field(description="our client id there")] = None
    console_oidc_secret: Annotated[SecretStr | None, Field(description="of that client")] = None
    console_oidc_user: Annotated[
        str,
        Field(
            description="the claim that names the user, else sub; one that people cannot change "
            "themselves, so not preferred_username. email counts only when email_verified is true"
        ),
    ] = "email"
    console_oidc_groups: Annotated[
        str, Field(description="the claim that holds the user's groups")
    ] = "groups"
    console_viewers: Annotated[
        tuple[str, ...],
        NoDecode,
        Field(description="who may look: users, groups as group:NAME; *: all who sign in"),
    ] = ("*",)
    console_moderators: Annotated[
        tuple[str, ...],
        NoDecode,
        Field(description="who may decide on posts: users, groups as group:NAME"),
    ] = ()
    console_authors: Annotated[
        tuple[str, ...],
        NoDecode,
        Field(description="who may try out policies: users, groups as group:NAME"),
    ] = ()
    console_secret: Annotated[
        SecretStr | None,
        Field(description="signs sessions; without it a restart signs everybody out"),
    ] = None
    console_session_seconds: Annotated[
        float, Field(gt=0, description="until one has to sign in again")
    ] = 36_000.0
    console_verdicts: Annotated[
        int, Field(ge=1, description="recent verdicts kept, with their posts' texts; in Redis")
    ] = 20_000
    console_queue: Annotated[
        int, Field(ge=1, description="posts kept for review; beyond it the mildest are left out")
    ] = 20_000
    console_claim_seconds: Annotated[
        float, Field(gt=0, description="a post is one moderator's for this long after a last sign")
    ] = 120.0
    console_second_look_ratio: Annotated[
        float, Field(ge=0, le=1, description="share of decided posts shown to a second moderator")
    ] = 0.05
    reviews_topic: Annotated[str, Field(description="where moderators' decisions go")] = "reviews"

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
        Field(description="of our own lines; those of libraries start at WARNING, at DEBUG lower"),
    ] = "INFO"

    @property
    def puts_off(self) -> bool:
        """Whether posts may have to wait in the retries topic."""
        return self.media_retries > 0 or self.overload == "degrade"

    @property
    def redis_tls(self) -> dict[str, str]:
        """Paths of PEM files for a ``rediss:`` URL, as `RedisCache` takes them."""
        files = {name: getattr(self, f"redis_{name}_file") for name in _PEM_FILES}
        return {name: str(path) for name, path in files.items() if path}

    @property
    def batches_at_once(self) -> int:
        """How many batches to screen side by side: `callers`, or the cores this process may use."""
        return self.callers or usable_cores()

    @field_validator(
        "policies",
        "media_schemes",
        "media_ports",
        "media_allow_hosts",
        "media_allow_networks",
        "console_proxies",
        "console_viewers",
        "console_moderators",
        "console_authors",
        mode="before",
    )
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator(
        *(
            "redis",
            "media_proxy",
            "media_file_root",
            "text_models",
            "kafka_username",
            "kafka_password",
            "kafka_key_password",
            "otlp_endpoint",
            "console_url",
            "console_redis",
            "console_oidc_issuer",
            "console_oidc_client",
            "console_oidc_secret",
            "console_secret",
        ),
        *(f"{server}_{file}_file" for server in ("kafka", "redis") for file in _PEM_FILES),
        mode="before",
    )
    @classmethod
    def _blank_is_absent(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("models_home")
    @classmethod
    def _is_of_the_user(cls, value: Path) -> Path:
        return value.expanduser()

    @field_validator("kafka")
    @classmethod
    def _has_ports(cls, value: str) -> str:
        for server in value.split(","):
            host, _, port = server.strip().rpartition(":")
            if not host or not port.isdigit():
                raise ValueError(f"{server.strip()!r} is not host:port")
        return value

    @field_validator("kafka_password")
    @classmethod
    def _is_complete(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        security = info.data.get("kafka_security", "")
        if security.startswith("SASL_") and not (value and info.data.get("kafka_username")):
            raise ValueError(f"{security} needs MODERATOR_KAFKA_USERNAME and this")
        return value

    @field_validator("media_allow_networks", "console_proxies")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            ip_network(network)
        return value
