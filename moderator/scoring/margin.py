"""Margins: how far a post lies along each rule's direction."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from moderator.encoders.base import Matrix


class Margins(NamedTuple):
    """Margins of a batch in one channel."""

    values: NDArray[np.float32]  # (posts, rules); zero where the post is absent from the channel
    present: NDArray[np.bool_]  # (posts,)


_SAME = 1e-6  # a mean closer to another is the same, but for rounding


def direction(violates: Matrix, contrast: Matrix) -> NDArray[np.float32]:
    """Compute w = mean(violates) - mean(contrast), scaled to length 1.

    The contrast is the allowing prompts and the neutral ones of the space.

    (prompts, dimensions) each, to (dimensions,) float32. Differences of text embeddings cancel the
    gap between image and text embeddings (Liang et al. 2022, "Mind the Gap"), so the direction
    serves images of the space as well. All zeros when the two means are the same.
    """
    difference = violates.mean(axis=0) - contrast.mean(axis=0)
    length = float(np.linalg.norm(difference))
    w = difference / length if length > _SAME else np.zeros_like(difference)
    return np.asarray(w, np.float32)


def margins(
    vectors: Matrix, owners: NDArray[np.intp], posts: int, directions: NDArray[np.float32]
) -> Margins:
    """One matrix product, then the largest margin among the readings of each post.

    Args:
        vectors: (readings, dimensions) float32, unit rows: texts, windows of texts, or images.
        owners: (readings,) the post each row belongs to, ascending.
        posts: how many posts the batch has.
        directions: (dimensions, rules) float32, unit columns.

    The largest, not the mean: padding a post with harmless readings must not hide the harmful one.
    Measured with the starter on openai_moderation (779 posts, 7 categories; "padded": three sets of
    three harmless sentences on either side; recall at the line that 5 % of the harmless cross):

    | of windows of 64 tokens      | mean AP | recall | padded: mean AP | recall |
    |---|---|---|---|---|
    | the largest                  | 0.463 | 0.551 | 0.430 | 0.432 |
    | mean of largest and mean     | 0.462 | 0.551 | 0.428 | 0.250 |
    | the mean                     | 0.440 | 0.517 | 0.376 | 0.041 |
    | largest, and one window of 256, averaged | 0.467 | 0.572 | 0.413 | 0.353 |
    | one window of 256 alone      | 0.464 | 0.575 | 0.354 | 0.233 |

    So the averages gain at most 0.004 on posts as they come, less than the noise, and a quarter to
    nine tenths of what is caught is lost to whoever writes around it.
    """
    if not len(owners):
        rules = directions.shape[1]
        return Margins(np.zeros((posts, rules), np.float32), np.zeros(posts, np.bool_))
    values = vectors @ directions  # (readings, rules)
    starts = np.flatnonzero(np.diff(owners, prepend=-1))
    if len(starts) < len(owners):
        values = np.maximum.reduceat(values, starts, axis=0)
    if len(starts) == posts:
        return Margins(values, np.ones(posts, np.bool_))
    spread = np.zeros((posts, values.shape[1]), np.float32)
    spread[owners[starts]] = values
    present = np.zeros(posts, np.bool_)
    present[owners[starts]] = True
    return Margins(spread, present)
