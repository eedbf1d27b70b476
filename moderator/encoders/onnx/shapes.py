"""Which sizes of batch a provider is given.

A GPU allocates, and under TensorRT and CUDA graphs compiles, for every shape it meets: with few
shapes, all met before the first post, its memory stays flat and no post waits for that. A CPU does
neither, and would only compute the padding.
"""

from bisect import bisect_left
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Shapes:
    """`rows`: the sizes of a batch, ascending; none: any. `step_tokens`: lengths are multiples."""

    rows: tuple[int, ...] = ()
    step_tokens: int = 1

    @property
    def sizes(self) -> tuple[int, ...]:
        """What to run before the first post, the largest first.

        Where any size is as good that is a row alone, for which a session opens more than the rest.
        """
        return self.rows[::-1] or (1,)

    def length(self, tokens: int, window_tokens: int) -> int:
        """How long to pad the texts of a batch whose longest has `tokens`."""
        return min(-(-tokens // self.step_tokens) * self.step_tokens, max(window_tokens, tokens))

    def lengths(self, window_tokens: int) -> list[int]:
        """All that `length` returns, the longest first; one where any is as good."""
        if self.step_tokens == 1:
            return [1]
        steps = range(self.step_tokens, window_tokens, self.step_tokens)
        return [window_tokens, *reversed(steps)]

    def padded(self, rows: int) -> int:
        """The smallest size of a batch that holds so many rows, which are at most the largest."""
        return self.rows[bisect_left(self.rows, rows)] if self.rows else rows


EXACT: Final = Shapes()
BUCKETS: Final = Shapes(rows=(1, 2, 4, 8, 16, 32, 64), step_tokens=16)


def pad_rows(array: NDArray[np.generic], rows: int) -> NDArray[np.generic]:
    """Repeat the last row up to `rows` of them: unlike zeros, it never is something odd."""
    if len(array) == rows:
        return array
    return np.concatenate([array, np.repeat(array[-1:], rows - len(array), axis=0)])
