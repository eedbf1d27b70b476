"""Content moderation for streams: posts in, rules in YAML, a verdict per post."""

from importlib.metadata import version

__version__ = version("moderator")
