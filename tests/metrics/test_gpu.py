from prometheus_client import CollectorRegistry, generate_latest

from moderator.metrics.gpu import GpuMemory, Memory


def test_each_gpu_says_what_is_used_and_what_there_is() -> None:
    registry = CollectorRegistry()
    registry.register(GpuMemory(lambda: [Memory("0", 10, 100), Memory("1", 20, 200)]))
    page = generate_latest(registry).decode()
    assert 'moderator_gpu_memory_bytes{gpu="1",state="used"} 20.0' in page
    assert 'moderator_gpu_memory_bytes{gpu="0",state="total"} 100.0' in page
