"""Smaller, faster graphs of a model: signed int8 for CPUs, fused fp16 for GPUs; and their drift."""
