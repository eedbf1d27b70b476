"""What the console does while Redis or Kafka is away."""

from moderator.verdicts import deferred
from tests.console.conftest import Serve
from tests.console.serving import Console, a_post, a_verdict, eventually, for_review
from tests.services.redis import Redis


def waiting(console: Console) -> int | None:
    with console.client() as client:
        answer = client.get("/api/review")
    return answer.json()["waiting"] if answer.status_code == 200 else None


def test_while_redis_is_away_pages_say_so_and_nothing_is_lost(
    serve: Serve, redis_server: Redis
) -> None:
    console = serve(console_redis=redis_server.url)
    console.send(for_review("1"))
    eventually(lambda: waiting(console) == 1)
    redis_server.kill()
    with console.client() as client:
        answer = client.get("/api/review")
    assert answer.status_code == 503
    assert "Redis is away" in answer.json()["error"]
    console.send(for_review("2"))
    redis_server.start()  # it comes back empty; the first post was committed, the second was not
    eventually(lambda: waiting(console) == 1)


def test_without_kafka_pages_say_so_and_show_what_they_have(serve: Serve) -> None:
    console = serve(kafka="127.0.0.1:1")
    feed = console.app.state.parts.feed
    eventually(lambda: "Kafka" in (feed.trouble or ""))
    assert waiting(console) == 0


def test_an_amended_verdict_leaves_the_queue(console: Console) -> None:
    post = a_post("1")
    first = deferred(a_verdict(post))
    console.send((post, first))
    eventually(lambda: waiting(console) == 1)
    console.send((post, a_verdict(post, "allow", amends=first.id)))
    eventually(lambda: waiting(console) == 0)


def test_beyond_what_the_queue_holds_the_mildest_are_left_out_and_counted(serve: Serve) -> None:
    console = serve(console_queue=2)
    posts = [a_post(str(number)) for number in range(3)]
    levels = ("high", "low", "critical")
    console.send(*((p, a_verdict(p, severity=s)) for p, s in zip(posts, levels, strict=True)))  # type: ignore[arg-type]
    with console.client() as client:
        eventually(lambda: client.get("/api/review").json()["left_out"] == 1)
        cases = client.get("/api/review").json()["cases"]
    assert [case["severity"] for case in cases] == ["critical", "high"]
