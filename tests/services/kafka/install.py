"""Kafka ready to start quickly: the jars, and an archive of the classes that a broker loads."""

import tempfile
from pathlib import Path

from tests.services.kafka.broker import Kafka
from tests.services.kafka.jars import Jars, fetch, installing
from tests.services.packages import Announce


def install(announce: Announce) -> Jars:
    """Return the installed jars; quick when everything is there."""
    jars = fetch(announce)
    if not jars.class_archive.exists():
        with installing():
            if not jars.class_archive.exists():
                _archive_classes(jars, announce)
    return jars


def _archive_classes(jars: Jars, announce: Announce) -> None:
    """Run a broker once and let Java write down the classes it loaded when it ends."""
    announce("archiving Kafka's classes for quick starts (once, 50 MB)")
    partial = jars.class_archive.with_suffix(".partial")
    with tempfile.TemporaryDirectory(prefix="moderator-kafka-") as directory:
        recording = ("-XX:+IgnoreUnrecognizedVMOptions", f"-XX:ArchiveClassesAtExit={partial}")
        with Kafka(jars, Path(directory), jvm=recording) as kafka:
            kafka.create_topic("archive-classes")
    if partial.exists():  # a Java without this feature starts slowly, and that is all
        partial.rename(jars.class_archive)
