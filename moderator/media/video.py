"""Frames of videos: MP4 and WebM, a few of each, found by seeking."""

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from PIL import Image

from moderator.errors import MediaError
from moderator.media.decode import DecodeLimits, check_size
from moderator.media.formats import VideoFormat, sniff_video
from moderator.media.views import View

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

# Only these demuxers are tried, and only on bytes in memory: playlists, subtitles and devices, with
# which FFmpeg can be made to open other files and hosts, are not among them.
_DEMUXERS: Final[dict[VideoFormat, str]] = {"MP4": "mp4", "WebM": "matroska"}
_CODECS: Final = frozenset({"h264", "hevc", "vp8", "vp9", "av1", "libdav1d", "mpeg4"})
_MOST_DECODED: Final = 40  # frames for one that is looked at: keyframes are seldom further apart
_MOST_SECONDS: Final = 24 * 3600.0  # longer ones say so only to make us seek


def video_views(content: bytes, limits: DecodeLimits) -> Iterator[View]:
    """At most `limits.frames` frames, evenly spread from the first to nearly the last.

    Where keyframes are rare a frame may be shown up to an interval too early.

    Raises MediaError: `video_unsupported` without PyAV, `format_refused` for a codec that is not
    accepted, `image_too_large`, `video_corrupt`. Nothing of PyAV's gets out.
    """
    av = _av()
    demuxer = _DEMUXERS[sniff_video(content)]
    try:
        with av.open(io.BytesIO(content), format=demuxer, metadata_errors="ignore") as container:
            yield from _sampled(container, limits)
    except MediaError:
        raise
    except Exception as err:  # FFmpeg's errors have dozens of types
        detail = f"{type(err).__name__}: {err}"[:200]
        raise MediaError("video_corrupt", f"the video cannot be decoded ({detail})") from err


def _av() -> Any:
    try:
        import av  # noqa: PLC0415 - an extra, and 35 MB to load
    except ImportError as err:
        raise MediaError(
            "video_unsupported",
            "videos are read with the extra `video` only: pip install 'moderator[video]'",
        ) from err
    av.logging.set_level(None)  # what FFmpeg says of hostile files is no news
    return av


def _sampled(container: "InputContainer", limits: DecodeLimits) -> Iterator[View]:
    if not container.streams.video:
        raise MediaError("video_corrupt", "the video has no pictures")
    stream = container.streams.video[0]
    codec = stream.codec_context
    if codec.name not in _CODECS:
        raise MediaError("format_refused", f"videos in {codec.name} are not accepted")
    check_size((codec.width, codec.height), 1, limits)
    codec.thread_count = 1
    seen: set[float] = set()
    for start in _starts(container, stream, limits.frames):
        for view in _from(container, stream, start, limits):
            if view.seconds not in seen:  # videos with few keyframes
                seen.add(view.seconds or 0.0)
                yield view
    if not seen:
        raise MediaError("video_corrupt", "no frame of the video can be decoded")


def _starts(container: "InputContainer", stream: "VideoStream", budget: int) -> Iterator[float]:
    """Seconds at which to look: none of them the very end, after which there is nothing."""
    if stream.duration is not None and stream.time_base is not None:
        length = float(stream.duration * stream.time_base)
    else:
        length = (container.duration or 0) / 1_000_000
    length = min(max(length, 0.0), _MOST_SECONDS)
    yield from (length * place / budget for place in range(budget))


def _from(
    container: "InputContainer", stream: "VideoStream", start: float, limits: DecodeLimits
) -> Iterator[View]:
    """The frame that is shown at `start`, or the last one before that was decoded."""
    assert stream.time_base is not None
    first = stream.start_time or 0
    container.seek(first + int(start / stream.time_base), stream=stream, backward=True)
    shown = None
    for count, frame in enumerate(container.decode(stream)):
        seconds = max(0.0, (frame.time or 0.0) - float(first * stream.time_base))
        if shown is not None and seconds > start:
            break
        shown = (frame, seconds)
        if count == _MOST_DECODED:
            break
    if shown is None:
        return
    frame, seconds = shown
    check_size((frame.width, frame.height), 1, limits)  # a stream may change its size
    pixels = frame.to_ndarray(format="rgb24")  # (height, width, 3) uint8
    yield View(Image.fromarray(pixels), round(seconds, 3))
