"""The arithmetic from embeddings to a decision; no I/O, no models."""
