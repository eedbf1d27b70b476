"""What came back of the demo's posts, and how fast."""

import time
from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Tally:
    """Counts and latencies of one pass over the samples."""

    actions: Counter[str] = field(default_factory=Counter)
    dead_letters: Counter[str] = field(default_factory=Counter)
    _sent_at: dict[str, float] = field(default_factory=dict)
    _latency_ms: dict[str, float] = field(default_factory=dict)  # of the answered, by post
    _first_sent: float = 0.0
    _last_answer: float = 0.0

    def sent(self, post_id: str) -> None:
        """A post left."""
        now = time.perf_counter()
        self._first_sent = self._first_sent or now
        self._sent_at[post_id] = now

    def arrived(self, post_id: str) -> float:
        """An answer came; its latency in milliseconds."""
        now = time.perf_counter()
        if post_id not in self._latency_ms:
            self._last_answer = now
            self._latency_ms[post_id] = (now - self._sent_at.get(post_id, now)) * 1000
        return self._latency_ms[post_id]

    @property
    def both(self) -> int:
        """Dead letters of posts that have a verdict as well: a part of them was not readable."""
        return self.actions.total() + self.dead_letters.total() - self.answered

    @property
    def answered(self) -> int:
        """Posts with a verdict, a dead letter, or both."""
        return len(self._latency_ms)

    @property
    def posts_per_second(self) -> float:
        """Answers over the time from the first post to the last answer."""
        return self.answered / max(self._last_answer - self._first_sent, 1e-9)

    def quantile_ms(self, share: float) -> float:
        """The latency that this share of the posts did not exceed."""
        ordered = sorted(self._latency_ms.values()) or [0.0]
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)]
