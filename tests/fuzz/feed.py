"""One target under atheris: `python -m tests.fuzz.feed TARGET [libFuzzer's arguments]`."""

import sys

import atheris

# Whatever is imported in here counts its branches; libraries in C are fed all the same.
with atheris.instrument_imports(include=["moderator", "PIL", "ruamel"]):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """Feed it until the time is up or something is found."""
    target = TARGETS[sys.argv[1]]
    atheris.Setup([sys.argv[0], *sys.argv[2:]], target.feed)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
