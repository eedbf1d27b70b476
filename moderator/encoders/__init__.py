"""Texts and images to unit vectors."""
