"""Every code that says why something was not read, and what it leads to.

Codes are in verdicts (`modalities`), in headers of dead letters and in labels of metrics.
`python -m moderator.codes` writes the table of them into docs/operators.md.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

#: No verdict: the message is no post, or there is no way to answer it.
LETTER: Final = "dead letter"
#: A verdict that is `review` or harsher.
REVIEW: Final = "review"
#: Such a verdict, and beside it a dead letter, to be replayed when the attachment can be read.
BOTH: Final = "review, dead letter"


class Code(NamedTuple):
    """What a code leads to, and what it means."""

    outcome: str
    meaning: str


CODES: Final[Mapping[str, Code]] = {
    # --- The message
    "empty": Code(LETTER, "The message has no value."),
    "too_large": Code(LETTER, "More bytes than `MODERATOR_MAX_POST_BYTES`."),
    "not_utf8": Code(LETTER, "Not UTF-8."),
    "not_json": Code(LETTER, "Not JSON."),
    "not_a_post": Code(LETTER, "JSON, but not a post; the reason names the field."),
    "meta_too_large": Code(LETTER, "`meta` is too large or nested too deep."),
    "undecodable": Code(LETTER, "Names of headers that are not UTF-8, or a broken batch."),
    "killed_worker": Code(LETTER, "Two workers died with it in flight: quarantined."),
    "internal_error": Code(BOTH, "A bug of ours; of a whole post, a dead letter alone."),
    "verdict_too_large": Code(LETTER, "The verdict topic does not take its verdict's bytes."),
    "retry_too_large": Code(LETTER, "The topic of retries does not take the post's bytes."),
    "post_too_large": Code(LETTER, "Nor does that of dead letters: this one names the post only."),
    # --- The text
    "text_too_long": Code(REVIEW, "Only the beginning was read."),
    "text_not_understood": Code(REVIEW, "A language or alphabet that the model does not read."),
    # --- Getting attachments
    "unavailable": Code(BOTH, "The media host is away, and was after every retry."),
    "deferred": Code(REVIEW, "Put off under overload: a second verdict amends this one."),
    "url_refused": Code(BOTH, "A URL that must not be fetched: inner address, port, scheme, host."),
    "bad_redirect": Code(BOTH, "Too many redirects, or one that leads nowhere."),
    "bad_certificate": Code(BOTH, "The media host's certificate is not valid."),
    "bad_response": Code(BOTH, "The media host answers what it should not."),
    "media_gone": Code(BOTH, "The media host, or the folder of files, does not have it."),
    "media_too_large": Code(BOTH, "More bytes than one attachment, or all of a post, may have."),
    "media_empty": Code(BOTH, "No bytes."),
    "too_many_media": Code(REVIEW, "More attachments than `MODERATOR_MAX_MEDIA`."),
    # --- Decoding them
    "unsupported_media": Code(BOTH, "A type that none of the models reads."),
    "not_an_image": Code(BOTH, "The bytes are of no format that is known."),
    "format_refused": Code(BOTH, "A format that is known and not accepted, such as SVG."),
    "image_corrupt": Code(BOTH, "The image cannot be decoded."),
    "image_too_large": Code(BOTH, "More pixels or frames than allowed, or more memory."),
    "image_too_long": Code(BOTH, "So long and narrow that it cannot be seen whole."),
    "image_truncated": Code(BOTH, "The file ends early; where what is there was read, a review."),
    "video_corrupt": Code(BOTH, "The video cannot be decoded."),
    "video_truncated": Code(REVIEW, "Only a part of the video could be decoded; that was read."),
    "video_unsupported": Code(BOTH, "Videos need `moderator[video]`."),
    "nothing_seen": Code(BOTH, "The decoder found nothing to see in it."),
    "too_many_pixels": Code(REVIEW, "The attachments after these pixels were not read."),
    "decoding_too_slow": Code(REVIEW, "Nor those after `MODERATOR_MEDIA_POST_DECODE_SECONDS`."),
    "decoder_crashed": Code(BOTH, "It crashed its decoder process."),
    "decoder_timed_out": Code(BOTH, "It took longer than `MODERATOR_DECODER_SECONDS`."),
    "decoder_unavailable": Code(BOTH, "No decoder process can be started."),
    # --- Reading text in them
    "ocr_too_slow": Code(REVIEW, "Not all text in it was read within `MODERATOR_OCR_SECONDS`."),
    "ocr_too_long": Code(REVIEW, "More text in it than is read of one attachment."),
    "ocr_failed": Code(BOTH, "Text in it could not be read: a bug, or too little memory."),
    # --- Encoding
    "inference_failed": Code(BOTH, "An encoder fails at it, or returns what is no embedding."),
}

_BEGIN, _END = "<!-- codes: written by `python -m moderator.codes` -->\n", "<!-- /codes -->\n"


def insert_table(page: str) -> str:
    """The page with the table between its marks brought up to date."""
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return before + _BEGIN + _table() + _END + after


def _table() -> str:
    rows = [f"| `{name}` | {code.outcome} | {code.meaning} |\n" for name, code in CODES.items()]
    return "".join(["| code | leads to | meaning |\n", "|---|---|---|\n", *rows])


if __name__ == "__main__":
    page = Path("docs/operators.md")
    page.write_text(insert_table(page.read_text(encoding="utf-8")), encoding="utf-8")
