"""Short films of plain colours, made on the spot."""

import io
import struct
from collections.abc import Sequence
from fractions import Fraction

import av
import numpy as np
from PIL import ImageColor

FRAMES_A_SECOND = 10


def film(
    colours: Sequence[str],
    container: str = "mp4",
    codec: str = "mpeg4",
    keyframe_every: int = 1,
    moments: Sequence[int] | None = None,
) -> bytes:
    """One frame of each colour, ten a second; `moments`: the tenth of a second of each."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=FRAMES_A_SECOND)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.gop_size = keyframe_every
        for place, colour in enumerate(colours):
            pixels = np.full((48, 64, 3), ImageColor.getrgb(colour), np.uint8)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts = place if moments is None else moments[place]
            frame.time_base = Fraction(1, FRAMES_A_SECOND)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return file.getvalue()


def claiming(content: bytes, units: int) -> bytes:
    """The same film, whose header says that it lasts `units` (of a millisecond or a tick)."""
    altered = bytearray(content)
    if (at := content.find(b"\x44\x89\x88")) >= 0:  # Duration of Matroska, eight bytes
        altered[at + 3 : at + 11] = struct.pack(">d", units)
        return bytes(altered)
    for box, offset in ((b"mdhd", 20), (b"mvhd", 20), (b"tkhd", 24)):
        at = content.index(box) + offset
        altered[at : at + 4] = struct.pack(">I", units)
    return bytes(altered)


def two_tracks(first: str, second: str, container: str = "mp4") -> bytes:
    """Two tracks of pictures: a player shows either."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        for _ in (first, second):
            stream = output.add_stream("mpeg4", rate=FRAMES_A_SECOND)
            assert isinstance(stream, av.VideoStream)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for stream, colour in zip(output.streams.video, (first, second), strict=True):
            pixels = np.full((48, 64, 3), ImageColor.getrgb(colour), np.uint8)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
            output.mux(stream.encode(None))
    return file.getvalue()


def sound() -> bytes:
    """An MP4 without pictures."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        stream = output.add_stream("aac", rate=8000, layout="mono")
        assert isinstance(stream, av.AudioStream)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.rate = 8000
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return file.getvalue()
