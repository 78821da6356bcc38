"""`mksgate connect --url` and `mksgate probe --against`, with no vSphere and no configuration at all."""

import json
import subprocess
from pathlib import Path
from typing import Any

from places import MKSGATE, scratch
from program import Program
from waiting import DEADLINE


class ConnectUrl(Program):
    """`mksgate connect --proxy-only`: `port` and `password` are those of the line that it prints."""

    def __init__(self, *options: str | Path) -> None:
        super().__init__("connect-url", [MKSGATE, "connect", "--proxy-only", *options])

    def __enter__(self) -> "ConnectUrl":
        super().__enter__()
        try:
            line = json.loads(self.line(r"^\{.*\}$")[0])
        except BaseException:
            self.__exit__()
            raise
        self.port, self.password = line["port"], line["password"]
        return self


def probe(*options: str | Path) -> tuple[int, dict[str, Any], str]:
    """The exit code of a probe for programs, its answer, and all that it said."""
    argv = [str(MKSGATE), "probe", "--json", *map(str, options)]
    ended = subprocess.run(argv, cwd=scratch("probe"), capture_output=True, text=True, timeout=DEADLINE)
    said = ended.stdout + ended.stderr
    try:
        return ended.returncode, json.loads(ended.stdout), said
    except ValueError as error:
        raise AssertionError(f"no answer, but {said}") from error


def secret_file(name: str, text: str) -> Path:
    """A file that only its owner can read."""
    path = scratch("secret") / name
    path.touch(mode=0o600)
    path.write_text(text)
    return path
