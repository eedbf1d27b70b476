"""An explanation for the terminal."""

from collections.abc import Iterator, Sequence

from rich.text import Text

from moderator.authoring.attribution import Word
from moderator.authoring.explain import RuleExplained
from moderator.reading import Quote
from moderator.table import coloured, printable

_TOLD = 6  # words listed with their effects


def lines_of(rule: RuleExplained) -> Iterator[Text]:
    """Score by modality, prompts on both sides, the words, and what would have flipped it."""
    score = rule.score
    head = Text(f"{score.id}  ", style="bold").append_text(coloured(score.action))
    head.append(f"  {rule.title}, {score.severity}", style="")
    yield head
    shadow = ", only reported: it is a shadow rule" if score.shadow else ""
    yield Text(
        f"  score {score.score:.3f}, review line {score.review_at:g}, "
        f"threshold {score.threshold:g}{shadow}"
    )
    for name, channel in score.channels.items():
        media = f", attachment {printable(channel.media)}" if channel.media else ""
        yield Text(f"  {name}: margin {channel.margin:+.3f}, score {channel.score:.3f}{media}")
        for near in rule.near.get(name, ()):
            style = "red" if near.side == "violates" else "green"
            yield Text(f"    {near.side:<8} {near.similarity:+.2f}  ", style=style).append(
                near.prompt, style=""
            )
    if rule.words:
        which = "words as people read them" if rule.as_read else "words"
        yield Text(f"  {which}, by what the margin loses without them:")
        yield Text("    ").append_text(_marked(rule.words))
        yield Text(f"    {_strongest(rule.words)}")
    for flip in rule.flips:
        yield Text(f"  {printable(flip)}")


def quote_lines(quote: Quote) -> Iterator[Text]:
    """What is written in an attachment, as it was read; nothing for another reading of it."""
    if not quote.as_written:
        return
    at = "" if quote.seconds is None else f" at {quote.seconds:g} s"
    yield Text(f"written in attachment {printable(quote.label)}{at}:", style="bold")
    for line in quote.text.splitlines():
        yield Text(f"    {printable(line)}")


def _marked(words: Sequence[Word]) -> Text:
    """The text, its words red where they raise the score and green where they lower it."""
    most = max(abs(word.effect) for word in words) or 1.0
    line = Text()
    for word in words:
        strength = word.effect / most
        style = "bold red" if strength > 0.5 else "red" if strength > 0.2 else ""  # noqa: PLR2004
        style = "green" if strength < -0.2 else style  # noqa: PLR2004
        line.append(printable(word.text), style=style).append(" ")
    return line


def _strongest(words: Sequence[Word]) -> str:
    ordered = sorted(words, key=lambda word: -abs(word.effect))[:_TOLD]
    return ", ".join(f"“{printable(word.text)}” {word.effect:+.3f}" for word in ordered)
