"""Every metric by name: kind, labels, meaning. The table in docs/operators.md is made from this.

Base units only. Label values come from policies, settings and fixed codes, never from posts.
"""

from typing import Literal, NamedTuple

OTHER = "other"  # the label of rules past the cap
Kind = Literal["counter", "gauge", "histogram"]


class Spec(NamedTuple):
    """One metric. `name` without the prefix and without the `_total` that counters end in."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str

    @property
    def full_name(self) -> str:
        """As Prometheus stores it, but for the suffixes of histograms."""
        return f"moderator_{self.name}" + ("_total" if self.kind == "counter" else "")


_SPECS = (
    # --- Posts and verdicts
    Spec(
        "posts",
        "counter",
        ("outcome",),
        "Posts answered: read in full, partly (a part failed or was cut), refused (a dead letter "
        "and no verdict), or failed (a bug).",
    ),
    Spec("verdicts", "counter", ("action",), "Verdicts made."),
    Spec(
        "rule_hits",
        "counter",
        ("rule", "action", "mode"),
        "Posts that reached a rule's review line; mode is enforced or shadow, on that post.",
    ),
    Spec(
        "rule_outcomes",
        "counter",
        ("rule", "mode", "line", "acted", "alone"),
        "Posts at a rule's line (threshold or review), by its mode in the policy: whether it "
        "acted, and whether no other rule did. A shadow rule that is never alone adds nothing; "
        "one that mostly is adds the most, or errs the most.",
    ),
    Spec("rule_trips", "counter", ("rule", "then"), "Times a circuit breaker held a rule back."),
    Spec("rules_tripped", "gauge", (), "Rules held back at the moment."),
    Spec(
        "rules_quiet",
        "gauge",
        (),
        "Rules of policies with a breaker that fire far less often than they used to.",
    ),
    Spec(
        "rule_score",
        "histogram",
        ("rule",),
        "Fused scores of sampled posts by rule, whether they fired or not.",
    ),
    Spec("unread_parts", "counter", ("channel", "code"), "Parts of posts not read in full."),
    Spec("dead_letters", "counter", ("code",), "Dead letters made, by reason."),
    Spec(
        "posts_put_off",
        "counter",
        ("reason",),
        "Posts that come again later: their media's host was away (unavailable), or media were put "
        "off (overload), for a verdict that amends the first.",
    ),
    # --- Latency
    Spec(
        "stage_seconds",
        "histogram",
        ("stage",),
        "Time by stage: fetch and queue of one post; decode, encode, encode_text, encode_image, "
        "encode_ocr, score and publish of one batch; ocr of one new attachment, in time of a core.",
    ),
    Spec(
        "post_seconds",
        "histogram",
        (),
        "From a post being read to its verdict being made; slow ones carry the verdict's id.",
    ),
    Spec(
        "end_to_end_seconds",
        "histogram",
        ("since",),
        "To the broker's acknowledgement, since the message's own time (message) or the post's "
        "created_at (created).",
    ),
    # --- Saturation
    Spec("batch_posts", "histogram", (), "Posts per batch."),
    Spec("batch_limit_posts", "gauge", (), "Most posts in a batch; what batches fill up to."),
    Spec("in_flight_posts", "gauge", (), "Posts read and not answered."),
    Spec("in_flight_limit_posts", "gauge", (), "From here on no more posts are read."),
    Spec("in_flight_bytes", "gauge", (), "Bytes in memory of posts read and not answered."),
    Spec(
        "queue_posts",
        "gauge",
        ("queue",),
        "Posts that wait for their attachments (fetch), for a batch (batch), or for the broker's "
        "acknowledgement (publish).",
    ),
    Spec(
        "stalled_seconds",
        "gauge",
        (),
        "Posts are in flight and none was answered, or there are some to read and none came, for "
        "so long.",
    ),
    Spec("batches_at_once", "gauge", (), "Batches that may be screened side by side."),
    # --- Kafka
    Spec(
        "consumer_lag_posts",
        "gauge",
        ("topic", "partition"),
        "Messages not answered of the posts topic and that of retries, as last heard.",
    ),
    Spec(
        "commit_age_seconds",
        "gauge",
        (),
        "Since offsets were last committed, while there is something to commit.",
    ),
    Spec("ready", "gauge", (), "1 while it is in its group and can read its partitions."),
    Spec("publish_retries", "counter", (), "Messages that the broker did not take at first."),
    Spec("fetch_retries", "counter", (), "Attachments asked for again."),
    # --- Decoders
    Spec(
        "decoder_restarts",
        "counter",
        ("reason",),
        "Decoder processes that a file crashed or kept too long, and that were replaced.",
    ),
    Spec(
        "ocr_attachments",
        "counter",
        ("outcome",),
        "New attachments by what was written in them: text that was read, none to be found (blank) "
        "or at a glance (spared), more than was read (cut), or what could not be read (failed).",
    ),
    # --- Cache
    Spec(
        "cache_healthy",
        "gauge",
        (),
        "1 while the caches answer; asked at every scrape.",
    ),
    Spec(
        "cache_lookups",
        "counter",
        ("kind", "result"),
        "Embeddings of rules and models looked up: hit or miss.",
    ),
    Spec(
        "media_cache",
        "counter",
        ("seen",),
        "Attachments by whether they were seen before, and cost no inference: yes or no.",
    ),
    # --- What is in use
    Spec("policy_info", "gauge", ("name", "version", "digest"), "1 for the rules in force."),
    Spec("policy_loaded_timestamp_seconds", "gauge", (), "When the rules in force were loaded."),
    Spec("policy_rules", "gauge", ("mode",), "Rules in force: enforced, canary, shadow."),
    Spec(
        "policy_reloads",
        "counter",
        ("outcome",),
        "Policies offered to the running worker: loaded, unchanged or refused.",
    ),
    Spec("policy_refused", "gauge", (), "1 while the newest policy is one that was refused."),
    Spec(
        "model_info",
        "gauge",
        ("channel", "name", "digest", "provider"),
        "1 for each channel's encoder and what it computes on.",
    ),
    Spec("gpu_memory_bytes", "gauge", ("gpu", "state"), "Memory of each GPU: used, total."),
    Spec(
        "degraded", "gauge", ("part",), "1 while the worker goes on without a part: cache, kafka."
    ),
    # --- Drift
    Spec(
        "embedding_drift_psi",
        "gauge",
        ("channel",),
        "Population stability index of recent embeddings against the space's background sample.",
    ),
    Spec(
        "score_drift_psi",
        "gauge",
        ("rule", "channel"),
        "The same of each rule's margins.",
    ),
)

CATALOGUE: dict[str, Spec] = {spec.name: spec for spec in _SPECS}


_BEGIN, _END = "<!-- metrics: written by `python -m moderator.metrics` -->\n", "<!-- /metrics -->\n"


def insert_table(page: str) -> str:
    """The page with the table between its marks brought up to date."""
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return before + _BEGIN + table() + _END + after


def table() -> str:
    """The catalogue as Markdown."""
    rows = [
        f"| `{spec.full_name}` | {spec.kind} | "
        f"{', '.join(f'`{label}`' for label in spec.labels)} | {spec.help} |"
        for spec in _SPECS
    ]
    return "\n".join(["| metric | kind | labels | meaning |", "|---|---|---|---|", *rows]) + "\n"
