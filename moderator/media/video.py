"""Frames of videos: MP4 and WebM, a few of each, found by seeking."""

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from PIL import Image

from moderator.errors import MediaError
from moderator.extras import how_to_install
from moderator.media.decode import DecodeLimits, check_size
from moderator.media.formats import VideoFormat, sniff_video
from moderator.media.timeline import Timeline, timeline
from moderator.media.views import View

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

# Only these demuxers are tried, and only on bytes in memory: playlists, subtitles and devices, with
# which FFmpeg can be made to open other files and hosts, are not among them.
_DEMUXERS: Final[dict[VideoFormat, str]] = {"MP4": "mp4", "WebM": "matroska"}
_CODECS: Final = frozenset({"h264", "hevc", "vp8", "vp9", "av1", "libdav1d", "mpeg4"})
# Frames for one that is looked at. Keyframes are often 250 apart: half a minute of such a film is
# still seen within an interval of every moment.
_MOST_DECODED: Final = 60


def video_views(content: bytes, limits: DecodeLimits) -> Iterator[View]:
    """At most `limits.frames` frames, evenly spread from the first to nearly the last.

    Where keyframes are rare a frame may be shown up to an interval too early; the last view is
    `truncated` if some are shown earlier still, or fewer could be decoded than there are.

    Raises MediaError: `video_unsupported` without PyAV, `format_refused` for a codec that is not
    accepted and for several tracks of pictures, `image_too_large`, `video_corrupt`. Nothing of
    PyAV's gets out.
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
            f"videos are read with the extra `video` only: {how_to_install('video')}",
        ) from err
    av.logging.set_level(None)  # what FFmpeg says of hostile files is no news
    return av


def _sampled(container: "InputContainer", limits: DecodeLimits) -> Iterator[View]:
    streams = container.streams.video
    if not streams:
        raise MediaError("video_corrupt", "the video has no pictures")
    if len(streams) > 1:  # which of them is shown is up to the player
        raise MediaError("format_refused", f"the video has {len(streams)} tracks of pictures")
    stream = streams[0]
    codec = stream.codec_context
    if codec.name not in _CODECS:
        raise MediaError("format_refused", f"videos in {codec.name} are not accepted")
    check_size((codec.width, codec.height), 1, limits)
    codec.thread_count = 1
    line = timeline(container, stream)
    if line is None:
        raise MediaError("video_corrupt", "no frame of the video can be decoded")
    moments = line.sample(limits.frames)
    seen: set[int] = set()
    missed = not line.whole
    last = None
    for place, frame in enumerate(_frames(container, stream, line, moments)):
        assert stream.time_base is not None
        moment = _moment(frame)
        # Before what the one before it should have shown: an interval of the film was not seen.
        missed |= moment in seen or (place > 0 and moment < moments[place - 1])
        if moment in seen:
            continue
        seen.add(moment)
        if last is not None:
            yield last
        last = _view(frame, max(0.0, float((moment - line.shown[0]) * stream.time_base)), limits)
    if last is None:
        raise MediaError("video_corrupt", "no frame of the video can be decoded")
    yield last._replace(truncated=missed or len(seen) < len(moments))


def _frames(
    container: "InputContainer", stream: "VideoStream", line: Timeline, moments: Sequence[int]
) -> Iterator["VideoFrame"]:
    """The frame of each moment, or one before it where that would take too many to get to.

    What one moment leaves of its frames the next ones may use. Moments that nothing can be decoded
    for are left out.
    """
    coming: Iterator[VideoFrame] = iter(())
    shown: VideoFrame | None = None
    allowed = 0
    for moment in moments:
        allowed += _MOST_DECODED
        key = line.key_before(moment)
        if shown is None or _moment(shown) < key:
            container.seek(key, stream=stream, backward=True)
            coming, shown = container.decode(stream), None
        while allowed > 0 and (shown is None or _moment(shown) < moment):
            frame = next(coming, None)
            if frame is None:
                break
            allowed -= 1
            shown = frame
        if shown is not None:
            yield shown


def _moment(frame: "VideoFrame") -> int:
    return (frame.dts if frame.pts is None else frame.pts) or 0


def _view(frame: "VideoFrame", seconds: float, limits: DecodeLimits) -> View:
    check_size((frame.width, frame.height), 1, limits)  # a stream may change its size
    pixels = frame.to_ndarray(format="rgb24")  # (height, width, 3) uint8
    return View(Image.fromarray(pixels), round(seconds, 3))
