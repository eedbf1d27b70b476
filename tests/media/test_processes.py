"""A decoder that crashes, hangs or eats memory costs one medium, and nobody else anything."""

import io
import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import Image

from moderator.encoders.load import load_space
from moderator.errors import MediaError, StartupError
from moderator.media.decode import DecodeLimits
from moderator.media.prepare import Preparation, preparation_for
from moderator.media.processes import DecoderProcesses, ProcessLimits
from moderator.ocr.base import OcrLimits
from moderator.ocr.reader import RapidReader
from tests.builders import a_post, a_screener
from tests.media import crops
from tests.written import page, png

NewDecoder = Callable[..., DecoderProcesses]
ROOT = Path(__file__).parents[2]


def picture(colour: str, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (16, 12), colour).save(file, kind)
    return file.getvalue()


@pytest.fixture
def new_decoder(monkeypatch: pytest.MonkeyPatch) -> Iterator[NewDecoder]:
    """Return a function that makes decoder processes; its arguments are ProcessLimits."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # so that they find our crops
    monkeypatch.setenv("MODERATOR_REDIS", "redis://:s3cret@host")
    made: list[DecoderProcesses] = []

    def make(crop: Any = crops.by_colour, processes: int = 1, **limits: Any) -> DecoderProcesses:
        preparation = Preparation(DecodeLimits(), 4, crop)
        made.append(DecoderProcesses(preparation, ProcessLimits(processes, **limits)))
        return made[-1]

    yield make
    for decoder in made:
        decoder.close()


def refused(decoder: DecoderProcesses, content: bytes) -> MediaError:
    with pytest.raises(MediaError) as caught:
        decoder.prepare(content)
    return caught.value


def children() -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process().children()
        if child.status() != psutil.STATUS_ZOMBIE and "moderator.media.child" in child.cmdline()
    ]


def test_a_picture_comes_back_as_it_would_in_the_worker(new_decoder: NewDecoder) -> None:
    decoder = new_decoder()
    for colour in ("white", "black", "cyan"):
        content = picture(colour)
        here = Preparation(DecodeLimits(), 4, crops.small)(content)
        there = decoder.prepare(content)
        assert np.array_equal(there.looks[0].pixels, here.looks[0].pixels)
        assert there.looks[0].pixels.dtype == np.uint8
        assert (there.decoded_pixels, there.truncated) == (192, False)


def test_the_starter_prepares_the_same_pixels_there(
    new_decoder: NewDecoder, shared: Path, starter: Path
) -> None:
    encoder = load_space(starter).image
    assert encoder is not None
    preparation = preparation_for(encoder, DecodeLimits())
    decoder = new_decoder(encoder.prepare)
    decoder._setup = pickle.dumps(preparation)
    for path in sorted((shared / "fixtures/images").glob("*.*"))[:12]:
        here, there = preparation(path.read_bytes()), decoder.prepare(path.read_bytes())
        for one, other in zip(here.looks, there.looks, strict=True):
            assert np.array_equal(one.pixels, other.pixels), path.name


def test_a_refusal_comes_back_with_its_code_and_reason(new_decoder: NewDecoder) -> None:
    error = refused(new_decoder(), b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    assert (error.code, "SVG" in str(error)) == ("format_refused", True)


def test_a_crash_costs_one_medium_and_the_process_is_replaced(new_decoder: NewDecoder) -> None:
    reasons: list[str] = []
    decoder = new_decoder()
    decoder.on_restart = reasons.append
    assert decoder.prepare(picture("white")).looks
    error = refused(decoder, picture("red"))
    assert (error.code, "SIGSEGV" in str(error)) == ("decoder_crashed", True)
    assert decoder.prepare(picture("white")).looks
    assert reasons == ["crashed"]
    assert len(children()) == 1


def test_a_hang_ends_at_its_time(new_decoder: NewDecoder) -> None:
    reasons: list[str] = []
    decoder = new_decoder(seconds=0.5)
    decoder.on_restart = reasons.append
    decoder.start()
    began = time.monotonic()
    assert refused(decoder, picture("lime")).code == "decoder_timed_out"
    assert time.monotonic() - began < 4
    assert decoder.prepare(picture("white")).looks
    assert reasons == ["timed_out"]


def test_memory_beyond_the_limit_is_not_to_be_had(new_decoder: NewDecoder) -> None:
    decoder = new_decoder(memory_bytes=2**30)
    assert refused(decoder, picture("blue")).code == "image_too_large"
    pid = children()[0].pid
    assert decoder.prepare(picture("white")).looks
    assert children()[0].pid == pid  # it was refused, not killed


def test_a_bug_is_reported_and_the_process_stays(new_decoder: NewDecoder) -> None:
    decoder = new_decoder()
    assert refused(decoder, picture("yellow")).code == "internal_error"
    assert decoder.prepare(picture("white")).looks


def test_a_process_that_answers_what_no_decoder_says_is_not_believed(
    new_decoder: NewDecoder,
) -> None:
    decoder = new_decoder()
    assert refused(decoder, picture("magenta")).code == "decoder_crashed"
    assert decoder.prepare(picture("white")).looks


def test_what_a_process_was_about_to_say_is_never_taken_for_the_next_file(
    new_decoder: NewDecoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever stops us between the question and its answer, here for want of memory."""
    decoder = new_decoder()
    assert decoder.prepare(picture("white")).looks

    def give_up(*_: object, **__: object) -> bytes:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr("moderator.media.processes.receive", give_up)
        with pytest.raises(MemoryError):
            decoder.prepare(picture("black"))
    assert decoder.prepare(picture("white")).looks[0].pixels.min() > 200
    assert len(children()) == 1


def test_a_process_killed_while_idle_costs_nobody_a_medium(new_decoder: NewDecoder) -> None:
    decoder = new_decoder()
    decoder.start()
    (child,) = children()
    child.kill()
    while psutil.pid_exists(child.pid) and child.status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    assert decoder.prepare(picture("white")).looks


def test_threads_share_the_processes(new_decoder: NewDecoder) -> None:
    decoder = new_decoder(processes=2)
    contents = [picture(colour) for colour in ("white", "red", "cyan", "black")] * 3

    def look(content: bytes) -> bool:
        try:
            return bool(decoder.prepare(content).looks)
        except MediaError:
            return False

    with ThreadPoolExecutor(6) as threads:
        assert list(threads.map(look, contents)) == [True, False, True, True] * 3
    assert len(children()) <= 2


def test_they_have_no_secrets_write_nothing_and_load_no_models(new_decoder: NewDecoder) -> None:
    facts = new_decoder(crops.surroundings).prepare(picture("white")).looks[0].pixels
    assert facts.tolist() == [[[0, 0, 0, 0]]]


def test_they_end_with_their_owner(new_decoder: NewDecoder) -> None:
    decoder = new_decoder()
    decoder.start()
    assert len(children()) == 1
    decoder.close()
    assert children() == []


def test_they_end_with_the_worker_however_it_ends() -> None:
    script = """if True:
        import time
        from moderator.encoders.fake import FakeImageEncoder
        from moderator.media.decode import DecodeLimits
        from moderator.media.prepare import preparation_for
        from moderator.media.processes import DecoderProcesses, ProcessLimits
        preparation = preparation_for(FakeImageEncoder(), DecodeLimits())
        decoder = DecoderProcesses(preparation, ProcessLimits(2))
        decoder.start()
        print("started", flush=True)
        time.sleep(60)
    """
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"started\n"
        orphans = psutil.Process(worker.pid).children()
        worker.kill()
    assert len(orphans) == 2
    assert psutil.wait_procs(orphans, timeout=10)[1] == []


def test_a_process_that_cannot_start_is_told_at_the_start(
    new_decoder: NewDecoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    decoder = new_decoder()
    with pytest.raises(StartupError, match="MODERATOR_DECODER_PROCESSES"):
        decoder.start()
    assert refused(decoder, picture("white")).code == "decoder_unavailable"


def test_a_crash_costs_one_post_of_its_batch_a_review(new_decoder: NewDecoder) -> None:
    screener = a_screener(decoder=new_decoder())
    batch = [a_post(colour, None, picture(colour)) for colour in ("white", "red", "black")]
    verdicts = screener.screen(batch)
    assert [verdict.action for verdict in verdicts] == ["allow", "review", "allow"]
    (report,) = (report for report in verdicts[1].modalities if report.status == "failed")
    assert (report.channel, report.code, report.media) == ("image", "decoder_crashed", "0")


def test_a_decoder_process_reads_what_is_written_in_a_picture(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    reader = RapidReader(OcrLimits(seconds=60))
    preparation = Preparation(DecodeLimits(), 4, crops.small, reader)
    decoder = DecoderProcesses(preparation, ProcessLimits(1, 120, 5 * 2**30))
    try:
        decoder.start()
        written = decoder.prepare(png(page("Send money now"))).written
    finally:
        decoder.close()
    assert written is not None
    assert [writing.text for writing in written.writings] == ["Send money now"]
