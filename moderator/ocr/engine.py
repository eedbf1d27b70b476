"""RapidOCR: where text is in a picture, and what it says. Nothing else imports rapidocr.

Of the library its three models are used and what is done before and after them; its own walk from
one to the next knows no limits of time, and crops a thousand boxes before it reads the first.
"""

import importlib.util
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from moderator.encoders.base import Pixels
from moderator.errors import ModelError

Quads = NDArray[np.float32]  # (boxes, 4, 2) corners in pixels, clockwise from the top left

_EXTRA: Final = "moderator[ocr]"
# Boxes are looked for with the longer side so large: a share of the picture's own, because what
# stands small in a large screenshot has to stay legible. The cost is in proportion to the area. A
# first look at a smaller side saves nothing: where it may miss little, it passes most photographs.
_SHARE: Final = 0.5
_LEAST_SIDE: Final = 480  # pixels
_MOST_SIDE: Final = 960
_ENLARGED: Final = 2.0  # at most, or what is no text begins to look like it
_SHAPES: Final = 1000  # that may be text, looked at in one picture
_STEP: Final = 32  # the detector's graph takes sides that are multiples of it
_HEAD: Final = 4  # heights of a line that the classifier looks at, without squeezing it
_DOUBTFUL: Final = 0.7  # of a line's confidence
_TURNED: Final = 1.5  # a box so much higher than wide holds a line that runs up or down
_WORD: Final = "Hello"


class Found(NamedTuple):
    """Where text is in a picture."""

    quads: Quads
    complete: bool  # False when there were more shapes than are looked at


class Line(NamedTuple):
    """What is written in one box."""

    text: str
    confidence: float


def engine_name() -> str:
    """RapidOCR and its version, which also decides on the models inside its wheel.

    Raises ModelError that names the extra where it is not installed.
    """
    if importlib.util.find_spec("rapidocr") is None:
        raise ModelError(
            f"MODERATOR_OCR=on needs rapidocr; pip install '{_EXTRA}', or set MODERATOR_OCR=off"
        )
    return f"rapidocr {version('rapidocr')}"


class Engine:
    """The three models, each on one thread of the caller's: as many callers as cores fill them."""

    def __init__(self) -> None:
        """Raises ModelError."""
        engine_name()
        # Imported first, because it switches onnxruntime's telemetry off before that is loaded.
        import moderator.encoders.onnx  # noqa: F401, PLC0415

        try:
            self._load()
        except Exception as error:  # the library's own share no base class
            raise ModelError(f"rapidocr does not work: {error!r}") from error

    def _load(self) -> None:
        import rapidocr  # noqa: PLC0415 - an extra, and three seconds of imports

        models = Path(rapidocr.__file__).parent / "models"
        whole: Any = rapidocr.RapidOCR(
            params={
                "Global.log_level": "critical",  # its own lines go to the terminal
                # By path: by name a file that is not as expected would be fetched from its makers.
                "Det.model_path": str(_only(models, "*_det_*.onnx")),
                "Cls.model_path": str(_only(models, "*_cls_*.onnx")),
                "Rec.model_path": str(_only(models, "*_rec_*.onnx")),
                "Det.max_candidates": _SHAPES,
                "EngineConfig.onnxruntime.intra_op_num_threads": 1,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            }
        )
        picture = Image.new("RGB", (320, 96), "white")
        font = ImageFont.load_default(40)
        ImageDraw.Draw(picture).text((40, 20), _WORD, fill="black", font=font)
        read = whole(np.asarray(picture)[:, :, ::-1])  # loads all three
        if _WORD not in (read.txts or ()):
            raise ValueError(f"its models read {read.txts!r} where {_WORD!r} is written")
        self._detector, self._classifier = whole.text_det, whole.text_cls
        self._recogniser = whole.text_rec

    def find(self, pixels: Pixels) -> Found:
        """Where text is."""
        likely = self._likely(pixels)
        quads, _ = self._detector.postprocess_op(likely, pixels.shape[:2])
        found = np.asarray(quads, np.float32).reshape(-1, 4, 2)
        return Found(found, complete=self._shapes(likely) <= _SHAPES)

    def _likely(self, pixels: Pixels) -> NDArray[np.float32]:
        """(1, 1, height, width) how likely each pixel is text, of the picture scaled."""
        import cv2  # noqa: PLC0415 - comes with the extra

        height, width = pixels.shape[:2]
        own = max(height, width)
        side = min(max(_SHARE * own, _LEAST_SIDE), _MOST_SIDE)
        scale = min(side / own, _ENLARGED)
        size = tuple(max(_STEP, round(each * scale / _STEP) * _STEP) for each in (width, height))
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        blue_first = cv2.resize(pixels, size, interpolation=way)[:, :, ::-1]
        planes = blue_first.transpose(2, 0, 1)[None].astype(np.float32) * (2 / 255) - 1
        likely: NDArray[np.float32] = self._detector.session(np.ascontiguousarray(planes))
        return likely

    def _shapes(self, likely: NDArray[np.float32]) -> int:
        """How many shapes the detector's own walk would have to look at."""
        import cv2  # noqa: PLC0415 - comes with the extra

        bitmap = (likely[0, 0] > self._detector.postprocess_op.thresh).astype(np.uint8)
        return len(cv2.findContours(bitmap, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)[0])

    def crop(self, pixels: Pixels, quad: NDArray[np.float32]) -> Pixels | None:
        """One box cut out and laid level; None where there is nothing in it."""
        import cv2  # noqa: PLC0415 - comes with the extra

        wide = int(max(_length(quad[0], quad[1]), _length(quad[3], quad[2])))
        high = int(max(_length(quad[0], quad[3]), _length(quad[1], quad[2])))
        if not wide or not high:
            return None
        corners = np.array([(0, 0), (wide, 0), (wide, high), (0, high)], np.float32)
        level: Any = cv2.warpPerspective(
            pixels,
            cv2.getPerspectiveTransform(quad, corners),
            (wide, high),
            borderMode=cv2.BORDER_REPLICATE,
            flags=cv2.INTER_CUBIC,
        )
        turned: Pixels = np.rot90(level) if high >= _TURNED * wide else level
        return turned

    def read(self, crops: list[Pixels]) -> list[Line]:
        """What is written in each box.

        Those that may be upside down, by the classifier or because they make no sense, are read
        both ways, and what is read with more confidence counts. The classifier alone errs on long
        lines, which it squeezes.
        """
        lines = self._read(crops)
        heads = [np.ascontiguousarray(crop[:, : _HEAD * crop.shape[0], ::-1]) for crop in crops]
        labels = [label for label, _ in self._classifier(heads).cls_res]
        doubtful = [
            place
            for place, (line, label) in enumerate(zip(lines, labels, strict=True))
            if label == "180" or line.confidence < _DOUBTFUL
        ]
        if doubtful:
            turned = self._read([np.rot90(crops[place], 2) for place in doubtful])
            for place, line in zip(doubtful, turned, strict=True):
                lines[place] = max(lines[place], line, key=lambda each: each.confidence)
        return lines

    def _read(self, crops: list[Pixels]) -> list[Line]:
        from rapidocr.ch_ppocr_rec import TextRecInput  # noqa: PLC0415 - an extra

        blue_first = [np.ascontiguousarray(crop[:, :, ::-1]) for crop in crops]
        read = self._recogniser(TextRecInput(img=blue_first, return_word_box=False))
        return [Line(text, float(sure)) for text, sure in zip(read.txts, read.scores, strict=True)]


def _only(folder: Path, pattern: str) -> Path:
    (found,) = folder.glob(pattern)
    return found


def _length(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    return float(np.linalg.norm(one - other))
