"""Where things lie: the built programs, the folders that checks write to, free ports."""

import os
import shutil
import socket
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
MKSGATE = TARGET / "debug" / "mksgate"
SIMULATOR = TARGET / "debug" / "examples" / "esxi-sim"

# Below the range that the kernel hands out to connecting sockets, so that no client takes a port between its
# being found free here and its being bound by the program.
PORTS = range(20000, 32000)

# What the programs of a check write, kept after the run: one folder for each module of checks.
_scratch = TARGET / "programs"


def begin_scratch(module: str) -> None:
    """From here on `scratch` makes its folders for this module; those of its last run go."""
    global _scratch
    _scratch = TARGET / "programs" / module
    shutil.rmtree(_scratch, ignore_errors=True)


def scratch(name: str) -> Path:
    """A fresh folder; a second one of the same name gets a number."""
    number = 1
    while True:
        folder = _scratch / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError:
            number += 1


def free_ports(count: int = 1) -> int:
    """The first of `count` neighbouring loopback ports that nobody listens on."""
    # Two harnesses at once begin their search in different places.
    first = PORTS.start + os.getpid() * 16 % len(PORTS)
    for _ in range(len(PORTS)):
        if first + count > PORTS.stop:
            first = PORTS.start
        if all(_is_free(port) for port in range(first, first + count)):
            _taken.update(range(first, first + count))
            return first
        first += 1
    raise OSError("no free port")


def _is_free(port: int) -> bool:
    if port in _taken:
        return False
    try:
        # SO_REUSEADDR, as every server here sets it: a port in TIME_WAIT is free, one that is listened on is not.
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


# Handed out in this process, though perhaps not bound yet.
_taken: set[int] = set()
