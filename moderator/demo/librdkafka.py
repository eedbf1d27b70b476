"""The shared object inside the confluent-kafka wheel, opened for what its Python API leaves out.

Declarations: librdkafka 2.x, ``src/rdkafka.h`` and ``src/rdkafka_mock.h``.
"""

import ctypes
import ctypes.util
import importlib.util
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from moderator.errors import StartupError

_HANDLE, _TEXT, _INT, _SIZE = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_size_t
_INTS = ctypes.POINTER(ctypes.c_int)
# Function: result type, argument types.
_PROTOTYPES: Mapping[str, tuple[type | None, tuple[type, ...]]] = MappingProxyType(
    {
        "rd_kafka_conf_new": (_HANDLE, ()),
        "rd_kafka_conf_set": (_INT, (_HANDLE, _TEXT, _TEXT, _TEXT, _SIZE)),
        "rd_kafka_new": (_HANDLE, (_INT, _HANDLE, _TEXT, _SIZE)),
        "rd_kafka_destroy": (None, (_HANDLE,)),
        "rd_kafka_err2str": (_TEXT, (_INT,)),
        "rd_kafka_mock_cluster_new": (_HANDLE, (_HANDLE, _INT)),
        "rd_kafka_mock_cluster_destroy": (None, (_HANDLE,)),
        "rd_kafka_mock_cluster_bootstraps": (_TEXT, (_HANDLE,)),
        "rd_kafka_mock_topic_create": (_INT, (_HANDLE, _TEXT, _INT, _INT)),
        "rd_kafka_mock_group_initial_rebalance_delay_ms": (None, (_HANDLE, ctypes.c_int32)),
        "rd_kafka_mock_push_request_errors_array": (
            None,
            (_HANDLE, ctypes.c_int16, _SIZE, _INTS),
        ),
        "rd_kafka_mock_broker_set_rtt": (_INT, (_HANDLE, ctypes.c_int32, _INT)),
        "rd_kafka_mock_broker_set_down": (_INT, (_HANDLE, ctypes.c_int32)),
        "rd_kafka_mock_broker_set_up": (_INT, (_HANDLE, ctypes.c_int32)),
    },
)


def load() -> ctypes.CDLL:
    """Open librdkafka and declare its functions; StartupError where there is none."""
    problems = []
    for path in _candidates():
        try:
            return _declared(ctypes.CDLL(path))
        except (OSError, AttributeError) as error:  # not loadable; too old for the mock cluster
            problems.append(f"{path}: {error}")
    found = "; ".join(problems) or "there is no librdkafka beside the confluent_kafka module"
    raise StartupError(
        f"the embedded broker cannot be started: {found}. Install the extra `demo` "
        "(`pip install '.[demo]'`), from a wheel, or give a real Kafka with --kafka."
    )


def _candidates() -> Iterator[str]:
    spec = importlib.util.find_spec("confluent_kafka")
    if spec is None or spec.origin is None:
        raise StartupError(
            "the embedded broker needs confluent-kafka: `pip install '.[demo]'`, "
            "or give the address of a real Kafka."
        )
    package = Path(spec.origin).parent
    # Where the wheels put it: auditwheel on Linux, delocate on macOS.
    yield from map(str, package.with_name("confluent_kafka.libs").glob("librdkafka*.so*"))
    yield from map(str, (package / ".dylibs").glob("librdkafka*.dylib"))
    # Built from source, confluent-kafka uses the system's.
    system = ctypes.util.find_library("rdkafka")
    if system is not None:
        yield system


def _declared(library: ctypes.CDLL) -> ctypes.CDLL:
    for name, (result, arguments) in _PROTOTYPES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library
