"""A host that fails is left alone, and none gets more than its share of the fetchers."""

import threading

import pytest

from moderator.errors import MediaError, NotAskedError, TransientError
from moderator.media.hosts import HostLimits, Hosts


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def hosts(clock: Clock) -> Hosts:
    return Hosts(HostLimits(at_once=2, failures=3, rest_seconds=30), clock=clock)


def visit(hosts: Hosts, error: Exception | None = None, name: str = "cdn.example") -> str:
    try:
        with hosts.visit(name, wait_seconds=0.01):
            if error:
                raise error
    except TransientError as caught:
        return str(caught)
    except MediaError as caught:
        return caught.code
    return "answered"


def fail(hosts: Hosts, times: int) -> None:
    for _ in range(times):
        assert visit(hosts, TransientError("503")) == "503"


def test_a_host_that_failed_three_times_in_a_row_rests(hosts: Hosts, clock: Clock) -> None:
    fail(hosts, 3)
    assert visit(hosts) == "cdn.example failed 3 times in a row; asked again in 30 s"
    assert visit(hosts, name="other.example") == "answered"
    clock.now += 30
    assert visit(hosts) == "answered"
    assert visit(hosts) == "answered"


@pytest.mark.parametrize("error", [None, MediaError("media_gone", "404")])
def test_one_answer_makes_up_for_all_failures(hosts: Hosts, error: Exception | None) -> None:
    for _ in range(3):
        fail(hosts, 2)
        assert visit(hosts, error) == ("media_gone" if error else "answered")


def test_a_host_is_not_blamed_for_what_it_was_not_asked(hosts: Hosts) -> None:
    for _ in range(5):
        assert visit(hosts, NotAskedError("no thread")) == "no thread"
    assert visit(hosts) == "answered"


def test_after_its_rest_one_request_tries_the_host_and_the_others_wait(
    hosts: Hosts, clock: Clock
) -> None:
    fail(hosts, 3)
    clock.now += 30
    with hosts.visit("cdn.example", 1):
        assert visit(hosts).startswith("cdn.example failed 3 times")
    assert visit(hosts) == "answered"


def test_a_host_gets_so_many_requests_at_once_and_no_more(hosts: Hosts) -> None:
    with hosts.visit("cdn.example", 1), hosts.visit("cdn.example", 1):
        assert visit(hosts) == "cdn.example is busy with 2 requests of ours"
        assert visit(hosts, name="other.example") == "answered"
    assert visit(hosts) == "answered"  # being busy was no failure of the host's


def test_a_place_that_comes_free_is_taken(hosts: Hosts) -> None:
    entered, leave = threading.Barrier(3, timeout=5), threading.Event()

    def stay() -> None:
        with hosts.visit("cdn.example", 1):
            entered.wait()
            leave.wait(5)

    threads = [threading.Thread(target=stay) for _ in range(2)]
    for thread in threads:
        thread.start()
    entered.wait()
    threading.Timer(0.05, leave.set).start()
    with hosts.visit("cdn.example", 5):
        pass
    for thread in threads:
        thread.join()


def test_strangers_cannot_fill_the_memory_with_names(
    hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("moderator.media.hosts._HOSTS", 10)
    for place in range(100):
        visit(hosts, name=f"{place}.example")
    assert len(hosts._known) == 10
