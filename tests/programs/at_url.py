"""`mksgate connect --url` and `mksgate probe --against`, without a vSphere and without a configuration."""

import json
import subprocess
from pathlib import Path
from typing import Any

from places import MKSGATE, private_file, scratch
from program import Program
from waiting import DEADLINE


class ConnectUrl(Program):
    """`mksgate connect --proxy-only`: `port` and `password` are those of the line that it prints."""

    def __init__(self, *options: str | Path) -> None:
        super().__init__("connect-url", [MKSGATE, "connect", "--proxy-only", *options])

    def wait_until_ready(self) -> None:
        line = json.loads(self.line(r"^\{.*\}$")[0])
        self.port, self.password = line["port"], line["password"]


def probe(*options: str | Path) -> tuple[int, dict[str, Any], str]:
    """Runs `mksgate probe --json`; its exit code, its answer, and its whole output."""
    argv = [str(MKSGATE), "probe", "--json", *map(str, options)]
    ended = subprocess.run(argv, cwd=scratch("probe"), capture_output=True, text=True, timeout=DEADLINE)
    output = ended.stdout + ended.stderr
    try:
        return ended.returncode, json.loads(ended.stdout), output
    except ValueError as error:
        raise AssertionError(f"the output is not JSON: {output}") from error


def failed_step(code: int, *options: str | Path) -> tuple[dict[str, Any], str]:
    """Runs a probe that must fail with this exit code; its last step, and its whole output."""
    ended_with, answer, output = probe(*options)
    last = answer["steps"][-1]
    if ended_with != code or last["ok"]:
        raise AssertionError(f"the probe ended with {ended_with} and not with {code}: {output}")
    return last, output


def secret_file(name: str, text: str) -> Path:
    """A file in a new folder, which only its owner can read."""
    return private_file(scratch("secret") / name, text)
