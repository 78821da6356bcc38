"""Compiles and runs libvncclient.c, a viewer on libvncclient."""

import os
import subprocess
from pathlib import Path

from places import scratch
from visit import Visit
from waiting import DEADLINE

SOURCE = Path(__file__).with_name("libvncclient.c")

# Security types (RFC 6143 section 7.1.2, and VeNCrypt).
NONE, VNC, VENCRYPT = 1, 2, 19


class LibVnc:
    """Compiled once, for any number of visits."""

    def __init__(self) -> None:
        self.program = scratch("libvncclient-build") / "libvncclient"
        warnings = ["-Wall", "-Wextra", "-Werror"]
        argv = ["gcc", "-O1", *warnings, "-o", self.program, SOURCE, "-lvncclient"]
        built = subprocess.run(argv, capture_output=True, text=True, timeout=DEADLINE)
        if built.returncode != 0:
            raise RuntimeError(f"libvncclient.c does not compile: {built.stderr}")

    def visit(self, port: int, security_type: int, authority: Path | None = None, user: str = "", password: str = "") -> Visit:
        file = scratch("libvncclient") / "screen.ppm"
        login = {"VNC_USERNAME": user, "VNC_PASSWORD": password}
        env = {**os.environ, **login, **({"VNC_AUTHORITY": str(authority)} if authority else {})}
        ended = subprocess.run(
            [self.program, "127.0.0.1", str(port), str(security_type), file],
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
        )
        return Visit("the program on libvncclient", ended.returncode, ended.stdout + ended.stderr, file)
