"""Policies, comparison, map and search over posts that came through Kafka."""

import asyncio
import re

import pytest
import pytest_asyncio
from playwright.async_api import Page as Tab
from playwright.async_api import expect

from moderator.posts import Media, Post
from moderator.verdicts import Verdict
from tests.builders import a_rule, picture
from tests.console.asking import AUTHORS, asking
from tests.console.conftest import Axe, Serve
from tests.console.serving import Console, a_hit, a_post, a_verdict, eventually, send
from tests.console.test_live import HOSTILE
from tests.console.workshop.conftest import a_draft

pytestmark = pytest.mark.asyncio(loop_scope="session")


def some_posts() -> tuple[tuple[Post, Verdict], ...]:
    """Eleven posts: fires, seas, pictures of both, and one that means harm."""
    fires = [a_post(f"fire-{n}", f"red fire {n}") for n in range(4)]
    seas = [a_post(f"sea-{n}", f"blue sea {n}") for n in range(4)]
    shown = a_post("shown", None, Media(data=picture("red"), type="image/png"))
    both = a_post("both", "blue sky", Media(data=picture("blue"), type="image/png"))
    evil = a_post("evil", f"red fire {HOSTILE}")
    return (
        *((post, a_verdict(post, "block", a_hit(action="block", score=0.9))) for post in fires),
        *((post, a_verdict(post, "allow")) for post in seas),
        (shown, a_verdict(shown, "review", a_hit(mode="shadow", shadow=True))),
        (both, a_verdict(both, "allow")),
        (evil, a_verdict(evil, "review")),
    )


@pytest_asyncio.fixture(loop_scope="session")
async def filled(console: Console) -> Console:
    """Serve a console that has seen some posts and their verdicts."""
    await _fill(console)
    return console


async def _fill(console: Console) -> None:
    pairs = some_posts()
    await send(console.settings, pairs)

    def seen() -> bool:
        with asking(console) as ask:
            posts = ask.get("/api/map").json()["posts"]
            return len([each for each in posts if each["post"]["action"]]) == len(pairs)

    await asyncio.to_thread(eventually, seen)


async def test_policies_tell_what_each_rule_did_by_mode_and_action(
    filled: Console, page: Tab, axe: Axe
) -> None:
    await page.goto("/policies")
    row = page.get_by_role("row").filter(has_text="fire")
    await expect(row).to_contain_text("4 block")
    await expect(row).to_contain_text("1 review · shadow")
    await row.locator("summary").click()
    await expect(row.get_by_text("red fire")).to_be_visible()
    assert await axe(page) == []


async def test_a_draft_is_compared_on_the_posts_that_came(
    filled: Console, page: Tab, axe: Axe
) -> None:
    await page.goto("/policies/diff")
    await page.fill("#draft", a_draft(a_rule(), a_rule("sea", violates=["blue sea", "blue"])))
    await page.get_by_role("button", name="Compare", exact=True).click()
    await expect(page.locator("#comparison")).to_contain_text("of 11 posts change action")
    await expect(page.get_by_role("row").filter(has_text="test/sea")).to_contain_text("%")
    await page.locator("summary").first.click()
    await expect(page.locator("#comparison .theirs").first).to_contain_text("blue")
    assert await axe(page) == []
    await page.fill("#draft", "policy: [")
    await page.get_by_role("button", name="Compare", exact=True).click()
    await expect(page.locator("#problems li")).to_contain_text("bracket")


async def test_a_cluster_is_chosen_by_keys_read_and_becomes_a_draft(
    filled: Console, page: Tab, axe: Axe
) -> None:
    await page.goto("/map")
    await expect(page.locator("#picture .dot")).to_have_count(11)
    await expect(page.locator("#picture .star")).to_have_count(1)
    await page.locator("#picture").focus()
    await page.keyboard.press("ArrowLeft")
    await expect(page.locator("#said")).not_to_be_empty()
    await page.keyboard.press("Enter")
    await expect(page.locator("#chosen-title")).to_contain_text("posts chosen")
    await expect(page.locator("#found .veil").first).to_have_attribute("aria-pressed", "false")
    assert await axe(page) == []
    await page.get_by_role("button", name="Start a rule").click()
    await page.wait_for_url("**/playground")
    await expect(page.locator("#draft")).to_have_value(re.compile("id: new-rule"))
    await expect(page.locator("#rules .rule")).to_have_count(1)


async def test_a_cluster_is_chosen_by_a_rectangle_and_by_the_table(
    filled: Console, page: Tab
) -> None:
    await page.set_viewport_size({"width": 1300, "height": 1000})  # all of it can be pointed at
    await page.goto("/map")
    await expect(page.locator("#picture .dot")).to_have_count(11)
    box = await page.locator("#picture").bounding_box()
    assert box
    await page.mouse.move(box["x"] + 9, box["y"] + 9)
    await page.mouse.down()
    await page.mouse.move(box["x"] + box["width"] - 9, box["y"] + box["height"] - 9, steps=3)
    await page.mouse.up()
    await expect(page.locator("#chosen-title")).to_have_text("11 posts chosen")
    await page.keyboard.press("Escape")
    await page.locator("summary").click()
    await page.fill("#filter", "sea 2")
    await expect(page.locator("#rows tr")).to_have_count(1)
    await page.get_by_role("button", name="Choose what is near").click()
    await expect(page.locator("#found li").first).to_contain_text("blue sea")


async def test_a_sentence_and_an_image_find_posts_across_modalities(
    filled: Console, page: Tab, axe: Axe
) -> None:
    await page.goto("/search")
    await page.fill("#text", "red")
    await page.keyboard.press("Enter")
    await expect(page.locator("#found li").first).to_contain_text("by its image")
    await expect(page.locator("#found li").nth(1)).to_contain_text("red fire")
    assert await axe(page) == []
    await page.fill("#text", "")
    file = {"name": "a.png", "mimeType": "image/png", "buffer": picture("blue")}
    await page.set_input_files("#image", file)  # type: ignore[arg-type]  # a FilePayload
    await expect(page.locator("#found li").first).to_contain_text("blue sky")


async def test_hostile_posts_are_shown_as_text(filled: Console, page: Tab) -> None:
    await page.goto("/search")
    await page.fill("#text", "script alert")
    await page.keyboard.press("Enter")
    await expect(page.locator("#found")).to_contain_text("red fire")
    assert await page.locator("#found script, #found a").count() == 0


async def test_viewers_look_and_search_but_start_no_rule(serve: Serve) -> None:
    console = serve(**AUTHORS)
    await send(console.settings, some_posts())
    with asking(console, **{"X-Forwarded-User": "bob"}) as ask:
        eventually(lambda: len(ask.get("/api/map").json()["posts"]) == 11)
        assert 'id="start"' not in ask.get("/map").text
        assert ask.post("/api/search", {"text": "red"}).json()["found"]
        assert ask.post("/api/map/draft", {"posts": []}).status_code == 403
        near = ask.get("/api/map").json()["posts"][0]["post"]["key"]
        assert ask.get(f"/api/map/near/{near}").json()["posts"][0] == near
        assert ask.get("/api/map/near/nobody").status_code == 400


async def test_what_asks_nothing_and_what_is_gone_are_told(console: Console) -> None:
    with asking(console) as ask:
        assert ask.get("/api/map").json()["posts"] == []
        assert ask.post("/api/search", {"text": "red"}).json()["found"] == []
        assert ask.post("/api/search", {"text": " "}).status_code == 400
        assert ask.post("/api/map/draft", {"posts": ["x"]}).status_code == 400
