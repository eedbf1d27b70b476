import numpy as np
import pytest

from moderator.encoders.base import are_unit, unit_rows
from moderator.encoders.fake import FakeTextEncoder, fake_space
from moderator.errors import InferenceError


def test_rows_are_scaled_to_length_one() -> None:
    rows = unit_rows(np.array([[3.0, 4.0], [0.0, -2.0]]), 2)
    assert rows == pytest.approx(np.array([[0.6, 0.8], [0.0, -1.0]]))
    assert rows.dtype == np.float32


def test_no_rows_are_fine() -> None:
    assert unit_rows(np.zeros((0, 3), np.float32), 3).shape == (0, 3)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_inference_errors(bad: float) -> None:
    rows = np.ones((3, 2), np.float32)
    rows[1, 1] = bad
    with pytest.raises(InferenceError, match="NaN, infinity"):
        unit_rows(rows, 2)


def test_a_row_of_zeros_is_an_inference_error() -> None:
    with pytest.raises(InferenceError, match="zeros"):
        unit_rows(np.array([[1.0, 0.0], [0.0, 0.0]]), 2)


@pytest.mark.parametrize("shape", [(2, 3), (4,), (2, 4, 1), ()])
def test_a_wrong_shape_is_an_inference_error(shape: tuple[int, ...]) -> None:
    with pytest.raises(InferenceError, match=r"expected \(rows, 4\)"):
        unit_rows(np.ones(shape, np.float32), 4)


def test_a_space_reads_images_if_it_has_an_encoder_for_them() -> None:
    assert fake_space().channels == ("text", "image")
    assert fake_space(images=False).channels == ("text",)


def test_the_fake_encoder_keeps_the_contract() -> None:
    texts = ["one", "", "word " * 120]
    vectors, owners, *_ = FakeTextEncoder(window_words=50).encode(texts)
    assert owners.tolist() == [0, 1, 2, 2, 2]
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1] * 5, abs=1e-5)
    again = FakeTextEncoder().encode(texts)
    assert np.array_equal(vectors, again.vectors)


def test_what_is_no_unit_vector_is_told_from_what_is() -> None:
    rows = unit_rows(np.arange(1, 9, dtype=np.float32).reshape(2, 4), 4)
    assert are_unit(rows)
    assert are_unit(rows[0])
    for wrong in (np.nan, 1e30, 0.0, 1.01):
        assert not are_unit(rows * np.array([[1], [wrong]], np.float32))
        assert not are_unit(rows[0] * np.float32(wrong))
