"""Memory of the machine's GPUs, where there are any."""

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from moderator.metrics.catalogue import CATALOGUE

log = logging.getLogger(__name__)


class Memory(NamedTuple):
    """Of one GPU."""

    gpu: str  # its number, as the driver counts
    used_bytes: int
    total_bytes: int


class GpuMemory(Collector):
    """A collector that asks the driver at every scrape."""

    def __init__(self, read: Callable[[], Sequence[Memory]]) -> None:
        self._read = read

    def describe(self) -> Iterator[Metric]:
        """What the registry asks for when it takes a collector in."""
        yield self._family()

    def collect(self) -> Iterator[Metric]:
        """See prometheus_client's `Collector`."""
        family = self._family()
        for gpu, used, total in self._read():
            family.add_metric([gpu, "used"], used)
            family.add_metric([gpu, "total"], total)
        yield family

    def _family(self) -> GaugeMetricFamily:
        spec = CATALOGUE["gpu_memory_bytes"]
        return GaugeMetricFamily(f"moderator_{spec.name}", spec.help, labels=spec.labels)


def nvidia_driver() -> Callable[[], Sequence[Memory]] | None:
    """A reader of the NVIDIA driver; None without the extra `gpu`, a driver, or a GPU."""
    try:
        import pynvml as nvml  # noqa: PLC0415  # of the extra `gpu`
    except ImportError:
        return None
    try:
        nvml.nvmlInit()
        handles = [nvml.nvmlDeviceGetHandleByIndex(n) for n in range(nvml.nvmlDeviceGetCount())]
    except nvml.NVMLError:
        return None
    if not handles:
        return None

    def read() -> Sequence[Memory]:
        try:
            found = [nvml.nvmlDeviceGetMemoryInfo(handle) for handle in handles]
        except nvml.NVMLError as error:
            log.warning("the GPU's memory cannot be read: %s", error)
            return ()
        return [Memory(str(n), memory.used, memory.total) for n, memory in enumerate(found)]

    return read
