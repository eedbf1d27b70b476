import pytest
from prometheus_client import CollectorRegistry

from moderator.metrics.catalogue import CATALOGUE, OTHER
from moderator.metrics.declared import RuleLabels, counter, gauge


def test_a_metric_has_the_name_the_help_and_the_labels_it_was_declared_with() -> None:
    registry = CollectorRegistry()
    counter("dead_letters", registry)
    gauge("degraded", registry)
    found = {metric.name: metric.documentation for metric in registry.collect()}
    assert found == {
        f"moderator_{name}": CATALOGUE[name].help for name in ("dead_letters", "degraded")
    }


def test_a_metric_that_is_not_declared_cannot_be_made() -> None:
    with pytest.raises(KeyError, match="surprises"):
        counter("surprises", CollectorRegistry())


def test_the_first_rules_keep_their_labels_and_later_ones_share_one() -> None:
    labels = RuleLabels(2)
    assert [labels[rule] for rule in ("a", "b", "c", "a", "d")] == ["a", "b", OTHER, "a", OTHER]


def test_with_no_labels_to_give_every_rule_is_another() -> None:
    assert RuleLabels(0)["a"] == OTHER
