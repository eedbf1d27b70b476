"""When the frames of a video are shown, by its packets and not by what its header says."""

from bisect import bisect_right
from typing import TYPE_CHECKING, Final, NamedTuple

from moderator.media.views import spread

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

_MOST_PACKETS: Final = 500_000  # two hours at 60 frames a second


class Timeline(NamedTuple):
    """Moments in units of the stream's time base."""

    shown: list[int]  # when each frame is, ascending, each once
    keys: list[int]  # those at which decoding can begin
    end: int  # the last frame is shown until then
    whole: bool  # whether there are no more packets

    def key_before(self, moment: int) -> int:
        """Where to begin so as to get to `moment`."""
        return self.keys[max(0, bisect_right(self.keys, moment) - 1)]

    def sample(self, budget: int) -> list[int]:
        """At most `budget` moments at which a frame begins, ascending, the first one among them.

        Those that are shown at evenly spread times; where that leaves some of the budget (a header
        or a last packet that claims hours, a still scene among quick ones), others by their number.
        """
        first = self.shown[0]
        chosen: set[int] = set()
        for place in range(budget):
            at = first + (self.end - first) * place // budget
            chosen.add(self.shown[bisect_right(self.shown, at) - 1])
        others = [moment for moment in self.shown if moment not in chosen]
        if others and len(chosen) < budget:
            chosen.update(others[place] for place in spread(len(others), budget - len(chosen)))
        return sorted(chosen)


def timeline(container: "InputContainer", stream: "VideoStream") -> Timeline | None:
    """Read through all packets, decoding none; None if there is no frame among them.

    Of a file that ends early, or is broken further on, those that come before, and it is not whole.
    """
    shown: set[int] = set()
    keys: set[int] = set()
    end, count, broken = 0, 0, False
    try:
        for packet in container.demux(stream):
            count += 1
            if count > _MOST_PACKETS:
                break
            moment = packet.dts if packet.pts is None else packet.pts
            if moment is None or not packet.size or packet.is_discard:
                continue
            shown.add(moment)
            end = max(end, moment + (packet.duration or 0))
            if packet.is_keyframe:
                keys.add(moment)
    except Exception:  # noqa: BLE001 - FFmpeg's errors have dozens of types
        broken = True
    if not shown:
        return None
    ordered = sorted(shown)
    mean = (ordered[-1] - ordered[0]) // max(1, len(ordered) - 1)
    declared = ordered[0] + (stream.duration or 0)
    end = max(end, ordered[-1] + max(1, mean), declared)
    return Timeline(
        ordered, sorted(keys) or ordered[:1], end, not broken and count <= _MOST_PACKETS
    )
