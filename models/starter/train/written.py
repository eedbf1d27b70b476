"""Sentences written for training (written.txt), each under what it says, plainly and without detail.

None is taken from an evaluation set or a policy (`labelled.py` drops what comes near one). A subject's
`near` sentences use its words and do no harm: negation, quotation, news, advice, idiom, other targets.
"""

from __future__ import annotations

from pathlib import Path

from sections import read_sections

_SENTENCES = read_sections(Path(__file__).with_suffix(".txt"))
HARMFUL, NEAR = _SENTENCES["harmful"], _SENTENCES["near"]
