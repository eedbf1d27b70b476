"""From loaded posts to embeddings: each channel's reading of a batch, and what was not read."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from moderator.cache.media import MediaCache
from moderator.encoders.base import Encoded, Matrix, Pixels, Space, Warms
from moderator.errors import InferenceError
from moderator.media.decode import DecodeLimits
from moderator.media.prepare import LocalDecoder, MediaDecoder, preparation_for
from moderator.ocr.base import CHANNEL as OCR
from moderator.ocr.base import Written
from moderator.pictures import Picture, remember
from moderator.reading import Inputs, LoadedPost, ReadingLimits, read
from moderator.scoring.frames import smooth
from moderator.scoring.score import Readings

Item = TypeVar("Item")

#: Above this share of letters without a token a text counts as not understood. Names and slang of a
#: language that the encoder reads stay far below, other scripts far above.
_MOST_UNKNOWN = 0.3


class Embedded(NamedTuple):
    """A batch as the encoders see it."""

    inputs: Inputs  # what they were given, and what could not be read
    readings: Mapping[str, Readings]  # by channel


class Stopwatch:
    """Milliseconds by stage."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self.parts: dict[str, float] = {}  # of the stage under way when it was timed
        self._last = self._last_part = time.perf_counter()

    def lap(self, stage: str) -> None:
        """A stage has ended."""
        now = time.perf_counter()
        self.laps[stage] = round((now - self._last) * 1000, 3)
        self._last = self._last_part = now

    def part(self, name: str) -> None:
        """A part of the stage under way has ended."""
        now = time.perf_counter()
        self.parts[name] = round((now - self._last_part) * 1000, 3)
        self._last_part = now


class Embedder:
    """Reads batches of posts through the encoders of every channel. Threads may share one."""

    def __init__(
        self,
        channels: Mapping[str, Space],
        limits: ReadingLimits,
        *,
        decoder: MediaDecoder | None = None,
        seen: MediaCache | None = None,
    ) -> None:
        """`decoder`: for the channel `image`; None: one in this process.

        `seen`: attachments that need neither decoding nor encoding again.

        `on_written` may be set to be told what was read in new pictures.
        """
        self.channels = channels
        self.on_written: Callable[[Sequence[Written]], object] = lambda _: None
        self.limits = limits
        self._seen = seen
        self._decoder = decoder
        if decoder is None and "image" in channels and (image := channels["image"].image):
            self._decoder = LocalDecoder(preparation_for(image, DecodeLimits()))

    def warm_up(self) -> None:
        """Have the encoders run every shape they will meet. Raises InferenceError."""
        encoders: list[object] = [
            encoder for space in self.channels.values() for encoder in (space.text, space.image)
        ]
        for encoder in {id(encoder): encoder for encoder in encoders}.values():
            if isinstance(encoder, Warms):
                encoder.warm_up()

    def embed(self, posts: Sequence[LoadedPost], watch: Stopwatch | None = None) -> Embedded:
        """Read a batch. What cannot be read is named in `inputs.reports`; only a bug raises."""
        watch = watch or Stopwatch()
        inputs = read(posts, self.limits, self._decoder, self._seen)
        watch.lap("decode")
        fresh = [each.written for each in inputs.pictures if each.looks and each.written]
        if fresh:
            self.on_written(fresh)
        readings: dict[str, Readings] = {}
        for name, space in self.channels.items():
            readings[name] = _READERS[name](space, inputs)
            watch.part(name)
        if self._seen:
            remember(inputs.pictures, self._seen)
        if self.limits.smooth_frames and "image" in readings:
            readings["image"] = smooth(readings["image"])
        watch.lap("encode")
        return Embedded(inputs, readings)


def _read_texts(space: Space, inputs: Inputs) -> Readings:
    owners = [(owner, None) for owner in inputs.text_owners]
    vectors, places = _encode_texts(space, inputs, "text", inputs.texts, owners)
    owned = np.array(inputs.text_owners, np.intp)[places]
    return Readings(vectors, owned, uses=tuple(places.tolist()))


def _read_quotes(space: Space, inputs: Inputs) -> Readings:
    """What is written in pictures, through the encoder of texts."""
    quotes = inputs.quotes
    owners = [(quote.owner, quote.label) for quote in quotes]
    vectors, places = _encode_texts(space, inputs, OCR, [each.text for each in quotes], owners)
    return Readings(
        vectors,
        np.array([quote.owner for quote in quotes], np.intp)[places],
        tuple(quotes[place].label for place in places),
        tuple(quotes[place].seconds for place in places),
        tuple(places.tolist()),
    )


def _encode_texts(
    space: Space,
    inputs: Inputs,
    channel: str,
    texts: Sequence[str],
    owners: Sequence[tuple[int, str | None]],
) -> tuple[Matrix, NDArray[np.intp]]:
    """Unit rows, and which text each reads; what could not be read is reported.

    `owners` names for each text the post's place in the batch and the attachment it stands in.
    """

    def fail(place: int, error: InferenceError) -> None:
        owner, media = owners[place]
        inputs.fail(owner, channel, error, media)

    vectors, places, unknown, cut = _encode(space.text.encode, texts, space.dimensions, fail)
    reported = set()
    for place, share in unknown.items():
        owner = owners[place]
        if share > _MOST_UNKNOWN and owner not in reported:  # a disguised text has two readings
            reported.add(owner)
            reason = f"{share:.0%} of its letters are unknown to {space.name}"
            inputs.cut(owner[0], channel, "text_not_understood", reason, owner[1])
    for place, needed in cut.items():
        reason = f"read the first {(places == place).sum()} of {needed} windows of {space.name}"
        inputs.cut(owners[place][0], channel, "text_too_long", reason, owners[place][1])
    return vectors, places


def _read_images(space: Space, inputs: Inputs) -> Readings:
    _encode_pictures(space, [picture for picture in inputs.pictures if picture.vectors is None])
    for owner, label, picture in inputs.uses:
        for error in picture.errors:
            inputs.fail(owner, "image", error, label)
    shown = [(use, use.picture.vectors) for use in inputs.uses if use.picture.vectors is not None]
    counts = [len(vectors) for _, vectors in shown]
    return Readings(
        np.concatenate([_nothing(space.dimensions), *(vectors for _, vectors in shown)]),
        np.repeat(np.array([use.owner for use, _ in shown], np.intp), counts),
        tuple(
            use.label for (use, _), count in zip(shown, counts, strict=True) for _ in range(count)
        ),
        tuple(seconds for use, _ in shown for seconds in use.picture.seconds),
        tuple(number for number, count in enumerate(counts) for _ in range(count)),
    )


def _encode_pictures(space: Space, pictures: Sequence[Picture]) -> None:
    """Encode the views of all of them together."""
    assert space.image is not None  # or the space would not have the channel
    encoder = space.image

    def encode(images: Sequence[Pixels]) -> Encoded:
        return Encoded(encoder.encode(images), np.arange(len(images)))

    def fail(place: int, error: InferenceError) -> None:
        pictures[owners[place]].errors.append(error)

    owners = np.repeat(np.arange(len(pictures)), [len(picture.looks) for picture in pictures])
    looks = [look for picture in pictures for look in picture.looks]
    vectors, places, *_ = _encode(encode, [look.pixels for look in looks], space.dimensions, fail)
    for number, picture in enumerate(pictures):
        mine = owners[places] == number
        picture.vectors = vectors[mine]
        picture.seconds = [looks[place].seconds for place in places[mine]]


_READERS: Mapping[str, Callable[[Space, Inputs], Readings]] = {
    "text": _read_texts,
    "image": _read_images,
    OCR: _read_quotes,
}


def _encode(
    encode: Callable[[Sequence[Item]], Encoded],
    items: Sequence[Item],
    dimensions: int,
    fail: Callable[[int, InferenceError], None],
) -> Encoded:
    """Embed a batch; when it fails, each item alone, so that one bad item harms no other."""
    if not items:
        return Encoded(_nothing(dimensions), np.zeros(0, np.intp))
    try:
        return encode(items)
    except InferenceError as error:
        if len(items) == 1:
            fail(0, error)
            return _encode(encode, (), dimensions, fail)
    alone = [
        _encode(encode, [item], dimensions, _shifted(fail, place))
        for place, item in enumerate(items)
    ]
    return Encoded(
        np.concatenate([each.vectors for each in alone]),
        np.repeat(np.arange(len(items)), [len(each.vectors) for each in alone]),
        {place: each.unknown[0] for place, each in enumerate(alone) if each.unknown},
        {place: each.cut[0] for place, each in enumerate(alone) if each.cut},
    )


def _nothing(dimensions: int) -> Matrix:
    return np.zeros((0, dimensions), np.float32)


def _shifted(
    fail: Callable[[int, InferenceError], None], place: int
) -> Callable[[int, InferenceError], None]:
    return lambda _, error: fail(place, error)
