"""The review queue in a browser: decided with keys, kept in Kafka, undone."""

import asyncio
import io

import msgspec
import pytest
from aiokafka import AIOKafkaConsumer
from PIL import Image
from playwright.async_api import Browser, expect
from playwright.async_api import Page as Tab

from moderator.console.app import build_parts
from moderator.posts import Media
from moderator.reviews import Review
from tests.builders import picture
from tests.console.asking import asking
from tests.console.conftest import Axe, Serve
from tests.console.serving import Console, a_hit, a_post, a_verdict, eventually, for_review, send
from tests.console.test_live import HOSTILE

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def reviews(console: Console, count: int) -> list[Review]:
    """The first reviews of the topic."""
    consumer = AIOKafkaConsumer(
        console.settings.reviews_topic,
        bootstrap_servers=console.bootstrap,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    try:
        async with asyncio.timeout(20):
            return [
                msgspec.json.decode((await consumer.getone()).value, type=Review)
                for _ in range(count)
            ]
    finally:
        await consumer.stop()


async def test_a_post_is_decided_with_one_key_and_the_decision_is_in_the_topic(
    console: Console, page: Tab
) -> None:
    await send(console.settings, (for_review("1", "red fire at night"),))
    await page.goto("/review")
    await expect(page.locator("#post-text")).to_have_text("red fire at night")
    await page.keyboard.press("n")
    await page.keyboard.type("a note")
    await page.keyboard.press("Escape")
    await page.keyboard.press("b")
    await expect(page.locator("#case")).to_contain_text("Nothing waits for you")
    (review,) = await reviews(console, 1)
    assert (review.post_id, review.decision, review.note) == ("1", "block", "a note")
    assert review.labels == {"test/fire": 1}
    assert review.post is not None
    assert review.post.text == "red fire at night"
    assert review.seconds


async def test_an_undone_decision_brings_the_post_back_and_is_in_the_topic(
    console: Console, page: Tab
) -> None:
    await send(console.settings, (for_review("1"),))
    await page.goto("/review")
    await expect(page.locator("#post-text")).to_have_text("red fire")
    await page.keyboard.press("a")
    await expect(page.locator("#case")).to_contain_text("Nothing waits")
    await page.keyboard.press("u")
    await expect(page.locator("#post-text")).to_have_text("red fire")
    decided, undone = await reviews(console, 2)
    assert (undone.decision, undone.undoes) == ("undo", decided.id)


async def test_the_most_severe_or_the_oldest_comes_first(console: Console, page: Tab) -> None:
    old, new = a_post("old", "old"), a_post("new", "new")
    await send(console.settings, ((old, a_verdict(old, severity="low")),))
    await send(console.settings, ((new, a_verdict(new, severity="critical")),))
    await page.goto("/review")
    await expect(page.locator("#queue li")).to_have_count(2)
    await expect(page.locator("#queue li").first).to_contain_text("new")
    await page.get_by_label("Order").select_option("oldest")
    await expect(page.locator("#queue li").first).to_contain_text("old")


async def test_the_words_that_decided_are_marked_and_prompts_shown(
    console: Console, page: Tab, axe: Axe
) -> None:
    await send(console.settings, (for_review("1", "there was a red fire in town"),))
    await page.goto("/review")
    await expect(page.locator("mark").first).to_be_visible()
    marked = await page.locator("mark").all_inner_texts()
    assert {"red", "fire"} & set(marked)
    await expect(page.locator(".prompts")).to_contain_text("red fire")
    assert await axe(page) == []


async def test_an_image_is_blurred_until_it_is_asked_for_and_encoded_anew(
    console: Console, page: Tab
) -> None:
    await send(console.settings, (for_review("1", None, Media(data=picture("red"))),))
    await page.goto("/review")
    veil = page.get_by_role("button", name="Show image 1")
    async with page.expect_response("**/media/**") as answer:
        await expect(veil).to_be_visible()
    assert (await (await answer.value).body())[8:12] == b"WEBP"
    assert "blur" in await veil.locator("img").evaluate("e => getComputedStyle(e).filter")
    await page.keyboard.press("i")
    shown = page.get_by_role("button", name="Hide image 1").locator("img")
    assert await shown.evaluate("e => getComputedStyle(e).filter") == "none"
    assert await shown.evaluate("e => e.naturalWidth") == 16


async def test_two_moderators_are_not_handed_the_same_post(
    console: Console, page: Tab, browser: Browser, serve: Serve
) -> None:
    await send(console.settings, (for_review("1", "one"), for_review("2", "two")))
    headed = serve(
        **{
            name: getattr(console.settings, name)
            for name in ("posts_topic", "verdicts_topic", "reviews_topic", "console_group")
        },
        console_auth="header",
        console_proxies=("127.0.0.1/32",),
        console_moderators=("grace",),
    )
    await page.goto("/review")
    await expect(page.locator("#post-text")).to_be_visible()
    mine = await page.locator("#post-text").inner_text()
    context = await browser.new_context(
        base_url=headed.url, extra_http_headers={"X-Forwarded-User": "grace"}
    )
    other = await context.new_page()
    await other.goto("/review")
    await expect(other.locator("#post-text")).to_be_visible()
    assert await other.locator("#post-text").inner_text() != mine
    await expect(other.locator("#queue")).to_contain_text("with")
    await context.close()


async def test_a_hostile_post_is_harmless_here_too(console: Console, page: Tab, axe: Axe) -> None:
    post = a_post("1", HOSTILE, Media(url="javascript:alert(1)"))
    hit = a_hit("test/fire")
    await send(console.settings, ((post, a_verdict(post, "review", hit)),))
    await page.goto("/review")
    await expect(page.locator("#post-text")).to_contain_text("<script>window.owned")
    await expect(page.locator("#case")).to_contain_text("Its first 20,000 of")
    assert await page.evaluate("window.owned === undefined")
    assert await axe(page) == []


async def test_a_verdict_without_its_post_is_shown_so_and_can_be_decided(
    console: Console, page: Tab
) -> None:
    post = a_post("gone")
    other = a_post("other")
    await send(console.settings, ((other, a_verdict(post)),))
    await page.goto("/review")
    await expect(page.locator("#case")).to_contain_text("not kept any longer")
    await page.keyboard.press("a")
    (review,) = await reviews(console, 1)
    assert review.post is None


async def test_a_case_shows_the_post_and_the_picture_that_were_judged_whatever_has_its_id_by_now(
    console: Console, page: Tab
) -> None:
    judged, verdict = for_review("1", "red fire", Media(data=picture("red")))
    await send(console.settings, ((judged, verdict),))
    with console.client() as client:
        eventually(lambda: client.get("/api/review").json()["waiting"] == 1)
    other = a_post("1", "a lovely day", Media(data=picture("blue")))
    await send(console.settings, ((other, a_verdict(other, "allow")),))
    await page.goto("/")
    await expect(page.get_by_role("row", name="a lovely day")).to_be_visible()
    await page.goto("/review")
    async with page.expect_response("**/media/0") as answer:
        await expect(page.locator("#post-text")).to_have_text("red fire")
    content = await (await answer.value).body()
    red, _, blue = Image.open(io.BytesIO(content)).convert("RGB").getpixel((8, 8))  # type: ignore[misc]
    assert red > blue + 100
    await page.keyboard.press("b")
    (review,) = await reviews(console, 1)
    assert review.post == judged
    await page.goto("/")
    await page.get_by_role("row").filter(has_text="red fire").get_by_role("button").click()
    detail = page.get_by_role("region", name="The chosen verdict")
    await expect(detail).to_contain_text("does not keep this post")


async def test_a_second_look_cannot_be_taken_nor_given_by_who_gave_the_first(
    serve: Serve, browser: Browser
) -> None:
    console = serve(
        console_auth="header",
        console_proxies=("127.0.0.1/32",),
        console_moderators=("ada", "grace"),
        console_second_look_ratio=1.0,
    )
    post, verdict = for_review("1")
    await send(console.settings, ((post, verdict),))
    path = f"/api/review/{verdict.id}"
    with asking(console, **{"X-Forwarded-User": "ada"}) as ada:
        eventually(lambda: ada.get("/api/review").json()["waiting"] == 1)
        assert ada.post(f"{path}/decide", {"decision": "allow"}).status_code == 200
        for what, body in (("claim", {}), ("decide", {"decision": "allow"})):
            answer = ada.post(f"{path}/{what}", body)
            assert answer.status_code == 400
            assert "the second look is for somebody else" in answer.json()["error"]
        with asking(console, **{"X-Forwarded-User": "grace"}) as grace:
            assert grace.post(f"{path}/decide", {"decision": "block"}).status_code == 200
        answer = ada.post("/api/review/undo", {})
        assert answer.status_code == 400
        assert "somebody else has decided on this post since" in answer.json()["error"]
    made = await reviews(console, 2)
    assert [(each.reviewer, each.decision, each.second) for each in made] == [
        ("ada", "allow", False),
        ("grace", "block", True),
    ]


async def test_the_queue_outlives_the_console(console: Console, serve: Serve) -> None:
    await send(console.settings, (for_review("1"),))
    with console.client() as client:
        eventually(lambda: client.get("/api/review").json()["waiting"] == 1)
    again = build_parts(console.settings)
    try:
        assert await again.cases.counts() == (1, 0)
    finally:
        await again.state.redis.aclose()
