import numpy as np
import pytest

from moderator.encoders.onnx.shapes import BUCKETS, EXACT, pad_rows


@pytest.mark.parametrize(("rows", "padded"), [(1, 1), (2, 2), (3, 4), (33, 64), (64, 64)])
def test_a_batch_is_padded_to_the_next_bucket(rows: int, padded: int) -> None:
    assert BUCKETS.padded(rows) == padded
    assert EXACT.padded(rows) == rows


@pytest.mark.parametrize(
    ("tokens", "length"), [(1, 16), (16, 16), (17, 32), (64, 64), (65, 77), (77, 77)]
)
def test_texts_are_padded_to_the_next_step_and_never_past_the_window(
    tokens: int, length: int
) -> None:
    assert BUCKETS.length(tokens, 77) == length
    assert EXACT.length(tokens, 77) == tokens


@pytest.mark.parametrize("window_tokens", [8, 16, 77, 256])
def test_every_length_a_text_is_padded_to_is_one_of_those_warmed_up(window_tokens: int) -> None:
    met = {BUCKETS.length(tokens, window_tokens) for tokens in range(1, window_tokens + 1)}
    assert sorted(met, reverse=True) == BUCKETS.lengths(window_tokens)
    assert EXACT.lengths(window_tokens) == [1]


def test_rows_are_padded_with_the_last_one() -> None:
    assert pad_rows(np.array([[1, 2], [3, 4]]), 4).tolist() == [[1, 2], [3, 4], [3, 4], [3, 4]]
    array = np.ones((2, 2))
    assert pad_rows(array, 2) is array
