"""ONNX Runtime; nothing outside of this package imports it."""

import os

# From version 1.29 on, onnxruntime's builds for Linux report to their maker unless told not to, and
# they read this when they are loaded.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

from moderator.encoders.onnx.providers import Provider
from moderator.encoders.onnx.session import Session

__all__ = ["Provider", "Session"]
