"""Policies through YAML, and any post through the whole pipeline to a verdict and back."""

import json
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moderator.policy.load import load_policies
from moderator.policy.schema import Policy
from moderator.posts import Media, Post
from moderator.reading import LoadedPost
from moderator.verdicts import decode_verdict, encode_verdict
from tests.builders import a_policy, a_rule, a_screener, picture

SCREENER = a_screener()
LINES = st.text(st.characters(categories=["L", "N", "P", "Zs"]), min_size=3, max_size=60)
PROMPTS = st.lists(
    LINES.map(str.strip).filter(lambda line: len(line) > 2), min_size=1, max_size=4, unique=True
)
RULES = st.builds(
    a_rule,
    st.from_regex(r"[a-z]{1,8}(-[a-z]{1,8})?", fullmatch=True),
    severity=st.sampled_from(["low", "medium", "high", "critical"]),
    action=st.sampled_from(["review", "block"]),
    threshold=st.floats(0.5, 0.99),
    review_at=st.floats(0.01, 0.5),
    violates=PROMPTS,
)
MEDIA = st.sampled_from([picture("red"), picture("blue"), b"", b"junk", picture("green")[:40]])
POSTS = st.builds(
    Post,
    id=st.text(min_size=1, max_size=20),
    text=st.none() | st.text(max_size=200),
    media=st.lists(
        st.builds(
            Media,
            id=st.none() | st.text(min_size=1, max_size=5),
            type=st.sampled_from(["image", "image/png", "video/mp4", "audio", ""]),
            data=MEDIA,
        ),
        max_size=3,
    ).map(tuple),
    surface=st.none() | st.text(max_size=10),
)


@given(rules=st.lists(RULES, min_size=1, max_size=4, unique_by=lambda rule: rule["id"]))
@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_policy_is_what_its_file_says(tmp_path: Path, rules: list[dict[str, object]]) -> None:
    said = a_policy(*rules)
    path = tmp_path / "policy.yaml"
    path.write_text(json.dumps(said, indent=1, ensure_ascii=False), encoding="utf-8")
    (loaded,) = load_policies([path]).policies
    assert loaded == Policy.model_validate(said)
    assert Policy.model_validate(loaded.model_dump()) == loaded


@given(POSTS)
@settings(max_examples=150, deadline=None)
def test_every_post_ends_in_a_verdict_that_survives_the_wire(post: Post) -> None:
    loaded = LoadedPost(post, tuple(item.data or b"" for item in post.media))
    (verdict,) = SCREENER.screen([loaded])
    assert decode_verdict(encode_verdict(verdict)) == verdict
    assert verdict.post_id == post.id
    assert verdict.action in {"allow", "review", "block"}
    unread = [report for report in verdict.modalities if report.status in ("failed", "truncated")]
    assert not (unread and verdict.action == "allow")
    (again,) = SCREENER.screen([loaded])
    assert again.id == verdict.id
