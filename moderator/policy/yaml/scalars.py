"""What a bare word in YAML 1.2 stands for: the core schema, and nothing guessed beyond it.

``yes``, ``off`` and ``2026-01-31`` are text, as their author sees them; ``0x1F`` and ``1e-3`` are
numbers. https://yaml.org/spec/1.2.2/#103-core-schema
"""

import re

_WORDS: dict[str, bool | float | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")

LONGEST_NUMBER = 40
"""Digits are turned into numbers up to here; turning a million of them would take minutes."""


def resolve(text: str) -> str | bool | float | None:
    """Turn the text of a bare (unquoted) word into the value it stands for."""
    if text in _WORDS:
        return _WORDS[text]
    if len(text) > LONGEST_NUMBER:
        return text
    if _INT.fullmatch(text):
        return int(text)
    if _BASED.fullmatch(text):
        return int(text, base=0)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text
