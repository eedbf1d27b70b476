"""The live page in a browser, over a real Kafka and a real Redis."""

import re

import pytest
from playwright.async_api import Page as Tab
from playwright.async_api import expect

from moderator.console.records import post_key
from moderator.posts import Media
from tests.console.conftest import Axe
from tests.console.serving import Console, a_post, a_verdict, eventually, send
from tests.services.kafka.cluster import Cluster

pytestmark = pytest.mark.asyncio(loop_scope="session")

HOSTILE = (
    "<script>window.owned = 1</script><img src=x onerror='window.owned = 1'>"
    "\u202ejavascript:alert(1)\u0000" + "x" * 200_000
)


async def test_verdicts_appear_by_themselves_with_the_text_of_their_posts(
    console: Console, page: Tab, axe: Axe
) -> None:
    await page.goto("/")
    allowed, blocked = a_post("1", "a quiet afternoon"), a_post("2", "red fire", surface="chat")
    await send(
        console.settings,
        ((allowed, a_verdict(allowed, "allow")), (blocked, a_verdict(blocked, "block"))),
    )
    await expect(page.get_by_role("row")).to_have_count(2)
    await expect(page.get_by_role("row", name="red fire")).to_contain_text("block")
    assert await axe(page) == []


async def test_a_verdict_that_came_before_its_post_shows_it_and_no_other_with_its_id(
    console: Console, page: Tab
) -> None:
    judged, other = a_post("1", "red fire"), a_post("1", "a lovely day")
    await send(console.settings, ((a_post("2"), a_verdict(judged, "block")),))
    await page.goto("/")
    await expect(page.get_by_role("row")).to_have_count(1)
    detail = page.get_by_role("region", name="The chosen verdict")
    for post, said in ((other, "does not keep this post"), (judged, "red fire")):
        await send(console.settings, ((post, a_verdict(a_post("3"), "allow")),))
        with console.client() as client:
            digest = post.digest.hex()
            eventually(
                lambda: client.get(f"/api/posts/{post_key('1')}/{digest}").status_code == 200  # noqa: B023 - asked at once
            )
        await page.get_by_role("row").filter(has_text="block").get_by_role("button").click()
        await expect(detail).to_contain_text(said)
    with console.client() as client:
        assert client.get(f"/api/posts/{post_key('1')}?receipt=x").status_code == 400


async def test_filters_leave_what_they_name(console: Console, page: Tab) -> None:
    await page.goto("/")
    pairs = [
        (post := a_post(str(n), f"word{n}"), a_verdict(post, "block" if n % 2 else "allow"))
        for n in range(6)
    ]
    await send(console.settings, tuple(pairs))
    await expect(page.get_by_role("row")).to_have_count(6)
    await page.get_by_label("Action").select_option("block")
    await expect(page.get_by_role("row")).to_have_count(3)
    await page.get_by_label("Text").fill("WORD3")
    await expect(page.get_by_role("row")).to_have_count(1)


async def test_a_paused_list_stands_still_and_says_what_is_new(console: Console, page: Tab) -> None:
    await page.goto("/")
    post = a_post("1")
    await send(console.settings, ((post, a_verdict(post, "allow")),))
    await expect(page.get_by_role("row")).to_have_count(1)
    await page.get_by_role("button", name="Pause").click()
    other = a_post("2")
    await send(console.settings, ((other, a_verdict(other, "allow")),))
    await expect(page.locator("#shown")).to_have_text("1 verdict, 1 new")
    await page.get_by_role("button", name="Go on").click()
    await expect(page.get_by_role("row")).to_have_count(2)


async def test_a_hostile_post_is_shown_as_text(console: Console, page: Tab, axe: Axe) -> None:
    post = a_post("<b>x</b>", HOSTILE, Media(url="javascript:alert(1)"))
    await send(console.settings, ((post, a_verdict(post, "block")),))
    await page.goto("/")
    await page.get_by_role("row").get_by_role("button").click()
    detail = page.get_by_role("region", name="The chosen verdict")
    await expect(detail).to_contain_text("<script>window.owned")
    await expect(detail).to_contain_text("⟨202E⟩javascript:alert(1)⟨0000⟩")
    await expect(detail).to_contain_text("cannot be shown")
    assert await page.evaluate("window.owned === undefined")
    assert len(await detail.inner_text()) < 25_000
    assert await axe(page) == []


async def test_a_list_of_thousands_has_only_as_many_rows_as_fit(
    console: Console, page: Tab, kafka: Cluster
) -> None:
    await page.goto("/")
    pairs = tuple(
        (post := a_post(str(n), f"post {n}"), a_verdict(post, "allow")) for n in range(3000)
    )
    await send(console.settings, pairs)
    # A machine with other work hands a tab so many at once that it lists fewer, and says so.
    shown = page.locator("#shown")
    listed = re.compile(r"^3,000 verdicts$|^2,\d{3} verdicts, [\d,]+ too fast to list\s*$")
    await expect(shown).to_have_text(listed, timeout=20_000)
    counts = [
        int(each.replace(",", "")) for each in re.findall(r"[\d,]+\d|\d", await shown.inner_text())
    ]
    assert sum(counts) == 3_000
    assert await page.get_by_role("row").count() < 60
