"""Short films of plain colours, made on the spot."""

import io
from collections.abc import Sequence
from fractions import Fraction

import av
import numpy as np
from PIL import ImageColor

FRAMES_A_SECOND = 10


def film(
    colours: Sequence[str], container: str = "mp4", codec: str = "mpeg4", keyframe_every: int = 1
) -> bytes:
    """One frame of each colour, ten a second."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=FRAMES_A_SECOND)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.gop_size = keyframe_every
        for place, colour in enumerate(colours):
            pixels = np.full((48, 64, 3), ImageColor.getrgb(colour), np.uint8)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = place, Fraction(1, FRAMES_A_SECOND)
            output.mux(stream.encode(frame))
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
