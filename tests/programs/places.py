"""The built programs, the folders and files that checks write, and free ports."""

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

# The output of programs, kept after the run: one folder for each module of checks.
_scratch = TARGET / "programs"


def begin_scratch(module: str) -> None:
    """Makes `scratch` create its folders for this module, and deletes those of the module's last run."""
    global _scratch
    _scratch = TARGET / "programs" / module
    shutil.rmtree(_scratch, ignore_errors=True)


def scratch(name: str) -> Path:
    """A new folder; a second one of the same name gets a number."""
    number = 1
    while True:
        folder = _scratch / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError:
            number += 1


def private_file(path: Path, content: str | bytes) -> Path:
    """Writes a file that only its owner can read; a script can be executed by its owner."""
    data = content if isinstance(content, bytes) else content.encode()
    path.touch(mode=0o700 if data.startswith(b"#!") else 0o600)
    path.write_bytes(data)
    return path


def free_ports(count: int = 1) -> int:
    """The first of `count` neighbouring loopback ports that nobody listens on."""
    # Two runs at the same time start their search at different ports.
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


# Returned in this process, though perhaps not bound yet.
_taken: set[int] = set()
