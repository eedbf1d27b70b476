"""It says what prometheus_client's own histogram says."""

from prometheus_client import CollectorRegistry, Histogram, generate_latest

from moderator.metrics.catalogue import Spec
from moderator.metrics.histogram import BatchHistogram

BOUNDS = (0.1, 1, 10)


def test_a_batch_gives_what_one_by_one_gives() -> None:
    values = [0.05, 0.1, 0.5, 3, 10, 11, 1e6]
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    histogram = BatchHistogram(Spec("x", "histogram", ("a",), "Of x."), BOUNDS)
    ours.register(histogram)
    reference = Histogram("moderator_x", "Of x.", ["a"], buckets=BOUNDS, registry=theirs)
    histogram.observe(values, "label")
    for value in values:
        reference.labels("label").observe(value)
    expected = [line for line in _lines(theirs) if "_created" not in line]
    assert _lines(ours) == expected


def test_without_labels_it_is_there_from_the_start() -> None:
    registry = CollectorRegistry()
    registry.register(BatchHistogram(Spec("x", "histogram", (), "Of x."), BOUNDS))
    assert "moderator_x_count 0.0" in _lines(registry)


def test_counts_from_elsewhere_are_added() -> None:
    registry = CollectorRegistry()
    histogram = BatchHistogram(Spec("x", "histogram", ("a",), "Of x."), BOUNDS)
    registry.register(histogram)
    histogram.add([1, 0, 0, 2], 30.0, "b")
    histogram.add([1, 1, 0, 0], 1.0, "b")
    assert 'moderator_x_bucket{a="b",le="1.0"} 3.0' in _lines(registry)
    assert 'moderator_x_count{a="b"} 5.0' in _lines(registry)
    assert 'moderator_x_sum{a="b"} 31.0' in _lines(registry)


def _lines(registry: CollectorRegistry) -> list[str]:
    return sorted(generate_latest(registry).decode().splitlines())
