"""A fused graph in half precision. For GPUs; CPUs run it no faster than fp32."""

from pathlib import Path
from typing import Any, NamedTuple

from onnx import helper
from onnxruntime.transformers.optimizer import optimize_model

from moderator.models.optimize.save import save


class Attention(NamedTuple):
    """The shape of a tower's attention; zeros: not known, and it is not fused."""

    heads: int = 0
    width: int = 0


def to_fp16(graph: Path, target: Path, attention: Attention) -> None:
    """Fuse attention, normalisation and activation, then halve; inputs and outputs stay fp32."""
    fused = optimize_model(
        str(graph),
        model_type="clip",  # which finds the attention of SigLIP, ViT and BERT as well
        num_heads=attention.heads,
        hidden_size=attention.width,
        opt_level=0,
        use_gpu=False,
    )
    if "com.microsoft" not in {opset.domain for opset in fused.model.opset_import}:
        fused.model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    fused.convert_float_to_float16(keep_io_types=True, use_symbolic_shape_infer=False)
    save(fused.model, target)


def attention_of(config: dict[str, Any], *, image: bool) -> Attention:
    """What `config.json` says of a tower, in the words of transformers or of open_clip."""
    for key in ("vision_config", "vision_cfg") if image else ("text_config", "text_cfg"):
        config = config.get(key, config)
    width = int(config.get("hidden_size") or config.get("width") or 0)
    heads = config.get("num_attention_heads") or config.get("heads")
    if heads is None and "width" in config:
        heads = width // config.get("head_width", 64)  # open_clip's default
    return Attention(int(heads or 0), width) if heads and width else Attention()
