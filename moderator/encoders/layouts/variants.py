"""Which of several graphs of one encoder to load: exact, half precision, quantised."""

from pathlib import Path
from typing import Final

from moderator.errors import ModelError

#: What the names of files end in, by variant, the likeliest first. Any other variant is taken for
#: an ending itself: `q4` is model_q4.onnx.
_ENDINGS: Final = {
    "fp32": ("",),
    "fp16": ("_fp16",),
    "int8": ("_int8", "_quantized", "_uint8"),
    "quantized": ("_quantized", "_int8", "_uint8"),
}
_ORDER: Final = {
    True: ("fp16", "fp32", "int8"),  # GPUs
    False: ("fp32", "int8", "fp16"),  # CPUs run fp16 slower than fp32
}


def graph(stem: Path, variant: str, *, gpu: bool) -> Path | None:
    """The file of a variant: `onnx/text_model` and int8 may be onnx/text_model_quantized.onnx.

    `auto` is fp16 for a GPU that was asked for and fp32 for anything else, if published. None where
    the encoder is not there at all; ModelError that names the variants where only this one is not.
    """
    present = {
        path.name.removeprefix(stem.name).removesuffix(".onnx"): path
        for path in sorted(stem.parent.glob(f"{stem.name}*.onnx"))
    }
    present = {ending: path for ending, path in present.items() if ending[:1] in {"", "_"}}
    if not present:
        return None
    wanted = _ORDER[gpu] if variant == "auto" else (variant,)
    for name in wanted:
        for ending in _ENDINGS.get(name, (f"_{name}",)):
            if ending in present:
                return present[ending]
    names = ", ".join(ending[1:] or "fp32" for ending in sorted(present))
    raise ModelError(
        f"{stem.parent}: no {variant} variant of {stem.name}.onnx; set MODERATOR_VARIANT to one of "
        f"those present: {names}"
    )
