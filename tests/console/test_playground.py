"""The playground: a draft, a text and an image tried, and nothing else."""

import json
from pathlib import Path

import pytest
from playwright.async_api import Page as Tab
from playwright.async_api import expect

from moderator.console.studio import MOST_IMAGE_BYTES
from tests.builders import a_policy, a_rule, picture
from tests.console.asking import AUTHORS, asking
from tests.console.conftest import Axe, Serve
from tests.console.serving import Console
from tests.console.test_live import HOSTILE
from tests.console.workshop.conftest import a_draft

TRY = "/api/playground/try"


async def scores(page: Tab) -> dict[str, float]:
    found = {}
    for rule in await page.locator("#rules .rule").all():
        name = await rule.get_attribute("aria-label")
        assert name
        found[name] = float(await rule.locator(".score").inner_text())
    return found


@pytest.mark.asyncio(loop_scope="session")
async def test_a_score_moves_while_the_text_and_the_rule_are_typed(page: Tab) -> None:
    await page.goto("/playground")
    await page.select_option("#begin", "test")
    await page.fill("#text", "red lantern")
    await expect(page.locator("#verdict")).to_contain_text("ms")
    await expect(page.locator(".near .violates")).to_contain_text("red fire")
    before = (await scores(page))["test/fire"]
    await page.fill("#draft", a_draft(a_rule(allows=["red lantern"])))
    await expect(page.locator(".near .allows")).to_contain_text("red lantern")
    assert (await scores(page))["test/fire"] < before
    await expect(page.locator(".delta")).to_contain_text("▼")


@pytest.mark.asyncio(loop_scope="session")
async def test_an_image_that_is_dropped_is_scored_as_a_channel(page: Tab) -> None:
    await page.goto("/playground")
    await page.select_option("#begin", "test")
    file = {"name": "a.png", "mimeType": "image/png", "buffer": picture("red")}
    await page.set_input_files("#image", file)  # type: ignore[arg-type]  # a FilePayload
    await expect(page.locator(".channel").first).to_contain_text("image")
    await expect(page.locator("#preview img")).to_be_visible()
    await page.click("#clear-image")
    await expect(page.locator(".channel")).to_have_count(0)


@pytest.mark.asyncio(loop_scope="session")
async def test_a_mistake_is_told_with_its_line_which_one_can_go_to(page: Tab) -> None:
    await page.goto("/playground")
    await page.fill("#draft", "policy: a\nversion: 1\nrules:\n  - id: x\n    titel: X\n")
    problem = page.locator("#problems li", has_text="did you mean `title`?")
    await problem.get_by_role("button", name="Line 5").click()
    chosen = await page.evaluate(
        "() => { const d = document.querySelector('#draft');"
        " return d.value.slice(d.selectionStart, d.selectionEnd) }"
    )
    assert chosen.strip() == "titel: X"


@pytest.mark.asyncio(loop_scope="session")
async def test_the_words_that_moved_a_score_are_marked(page: Tab) -> None:
    await page.goto("/playground")
    await page.select_option("#begin", "test")
    await page.fill("#text", "such a fire there")
    await page.get_by_role("button", name="Which words").click()
    await expect(page.locator(".words .up2")).to_have_text("fire")


@pytest.mark.asyncio(loop_scope="session")
async def test_hostile_drafts_and_texts_are_shown_as_text(page: Tab, axe: Axe) -> None:
    await page.goto("/playground")
    rule = a_rule(title=HOSTILE[:200], violates=[HOSTILE[:300]])
    await page.fill("#draft", a_draft(rule))
    await page.fill("#text", HOSTILE[:5000])
    await expect(page.locator("#rules .rule")).to_have_count(1)
    assert await page.locator("#rules script, #rules img").count() == 0
    assert await axe(page) == []


def test_a_draft_reads_no_file_of_the_server(console: Console, tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text("prompts: {words: [the password is 1234]}")
    with asking(console) as ask:
        for name in ("/etc/passwd", "secret.yaml", "../secret.yaml", "policy.yaml"):
            answer = ask.post(TRY, {"draft": a_draft(include=[name]), "text": "red"}).json()
            assert [p["message"] for p in answer["problems"]] == [
                "a draft includes no files; put the prompts and rules of that one here"
            ]
        rule = a_rule(examples={"violates": [{"image": "../../../etc/passwd"}]})
        assert ask.post(TRY, {"draft": a_draft(rule), "text": "red"}).json()["tried"]


@pytest.mark.parametrize(
    "draft",
    [
        "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b,*b]\n" * 1
        + "d: &d [" + "*b," * 900 + "*b]",
        "[" * 90_000,
        "!!python/object/apply:os.system ['true']",
        "policy: [",
        "",
        "\x00",
    ],
    ids=["aliases", "deep", "python", "open", "empty", "nul"],
)  # fmt: skip
def test_a_hostile_draft_is_a_list_of_problems(console: Console, draft: str) -> None:
    with asking(console) as ask:
        answer = ask.post(TRY, {"draft": draft, "text": "red"})
        assert answer.status_code == 200
        assert answer.json()["problems"][0]["message"]


def test_an_image_that_is_none_is_told_and_goes_to_review(console: Console) -> None:
    with asking(console) as ask:
        for content in (b"<svg onload=alert(1)>", picture("red")[:40], b"\xff\xd8\xff" * 1000):
            name = ask.post("/api/images", content).json()["image"]
            tried = ask.post(TRY, {"draft": a_draft(), "image": name}).json()["tried"]
            assert tried["action"] == "review"
            assert tried["unread"][0]["status"] == "failed"


def test_what_is_too_large_is_refused(console: Console) -> None:
    with asking(console) as ask:
        assert ask.post("/api/images", b"x" * (MOST_IMAGE_BYTES + 1)).status_code == 400
        assert ask.post("/api/images", b"").status_code == 400
        assert ask.post(TRY, {"draft": a_draft(), "text": "x" * 20_001}).status_code == 400
        assert ask.post(TRY, {"draft": "x" * 900_000}).status_code == 400
        answer = ask.post(TRY, {"draft": "x" * 100_001}).json()
        assert "100,000 at most" in answer["problems"][0]["message"]


def test_an_image_of_nobody_is_asked_for_again(console: Console) -> None:
    with asking(console) as ask:
        answer = ask.post(TRY, {"draft": a_draft(), "image": "../../etc/passwd"})
        assert answer.status_code == 400
        assert "choose it again" in answer.json()["error"]


def test_only_authors_try_drafts(serve: Serve) -> None:
    console = serve(**AUTHORS)
    with asking(console, **{"X-Forwarded-User": "bob"}) as ask:
        assert ask.get("/playground").status_code == 403
        assert ask.get("/policies/diff").status_code == 403
        assert ask.post(TRY, {"draft": a_draft()}).status_code == 403
        assert "/playground" not in ask.get("/policies").text
    with asking(console, **{"X-Forwarded-User": "ann"}) as ask:
        assert ask.get("/playground").status_code == 200
        assert ask.post(TRY, {"draft": a_draft(), "text": "red"}).json()["tried"]


def test_a_draft_without_the_pages_token_is_refused(console: Console) -> None:
    with console.client() as client:
        client.get("/policies")
        assert client.post(TRY, json={"draft": a_draft()}).status_code == 403


def test_a_policy_that_includes_others_begins_written_out(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "_common.yaml").write_text("prompts: {flames: [red fire, hot flames]}")
    policy = a_policy(a_rule(violates=[{"use": "flames"}]), include=["_common.yaml"])
    path = tmp_path / "whole.yaml"
    path.write_text(json.dumps(policy))
    with asking(serve(policies=(path,))) as ask:
        draft = ask.get("/api/playground/draft?policy=test").json()["draft"]
        tried = ask.post(TRY, {"draft": draft, "text": "hot flames"}).json()["tried"]
        assert tried["rules"][0]["score"]["channels"]["text"]["nearest"] == "hot flames"
        assert ask.get("/api/playground/draft?policy=/etc/passwd").status_code == 400
