"""What is in use, read when Prometheus asks: so a reload of policies shows at the next scrape."""

from collections import Counter as Count
from collections.abc import Callable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from moderator.encoders.base import Space
from moderator.metrics.catalogue import CATALOGUE
from moderator.policy.compile import CompiledRules
from moderator.policy.levels import ModeName

_MODES: Mapping[ModeName, str] = {"enforce": "enforced", "canary": "canary", "shadow": "shadow"}


class PolicyInUse(Collector):
    """Name, version and digest of the rules in force, and how many are in which mode."""

    def __init__(self, rules: Callable[[], CompiledRules]) -> None:
        self._rules = rules

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """What the registry asks for when it takes a collector in."""
        yield from map(gauge, ("policy_info", "policy_rules"))

    def collect(self) -> Iterator[Metric]:
        """See prometheus_client's `Collector`."""
        rules = self._rules()
        policy = rules.receipt.policy
        info, count = self.describe()
        info.add_metric([policy.name, policy.version, policy.digest], 1)
        modes = Count(rule.mode_name for rule in rules.rules)
        for mode, name in _MODES.items():
            count.add_metric([name], modes[mode])
        yield from (info, count)


class ModelsInUse(Collector):
    """The encoder of each channel and the provider it computes on."""

    def __init__(self, channels: Mapping[str, Space]) -> None:
        self._channels = channels

    def describe(self) -> Iterator[Metric]:
        """What the registry asks for when it takes a collector in."""
        yield gauge("model_info")

    def collect(self) -> Iterator[Metric]:
        """See prometheus_client's `Collector`."""
        family = gauge("model_info")
        for channel, space in self._channels.items():
            encoder = space.image if channel == "image" else space.text
            provider = getattr(encoder, "provider", "none")  # fakes compute on nothing
            name = f"{space.name}, {space.reader}" if space.reader else space.name
            family.add_metric([channel, name, space.digest, provider], 1)
        yield family


class Counted(Collector):
    """A counter that somebody else keeps, by label values in the order of the catalogue."""

    def __init__(self, name: str, counts: Callable[[], Mapping[tuple[str, ...], int]]) -> None:
        self._spec = CATALOGUE[name]
        self._counts = counts

    def describe(self) -> Iterator[Metric]:
        """What the registry asks for when it takes a collector in."""
        yield self._family()

    def collect(self) -> Iterator[Metric]:
        """See prometheus_client's `Collector`."""
        family = self._family()
        for labels, count in list(self._counts().items()):
            family.add_metric(labels, count)
        yield family

    def _family(self) -> CounterMetricFamily:
        spec = self._spec
        return CounterMetricFamily(f"moderator_{spec.name}", spec.help, labels=spec.labels)


def gauge(name: str) -> GaugeMetricFamily:
    """An empty family of the catalogue, to be filled."""
    spec = CATALOGUE[name]
    return GaugeMetricFamily(f"moderator_{name}", spec.help, labels=spec.labels)
