"""ONNX graphs from a checkpoint of transformers or open_clip, in the layouts we load."""
