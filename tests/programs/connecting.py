"""`mksgate connect` and its like, with a simulated host in their environment."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

from places import MKSGATE, scratch
from program import Program
from screen import ViewerScreen
from simulator import Simulator
from waiting import DEADLINE


def environment(simulator: Simulator, screen: ViewerScreen | None = None) -> dict[str, str]:
    """All that a command needs to know of the host, and of the screen for a viewer; nothing of whoever runs this."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("GOVC_", "VNC"))}
    env |= {"GOVC_URL": simulator.address, "GOVC_USERNAME": simulator.username, "GOVC_PASSWORD": simulator.password}
    # TERM: on a terminal that is said to be none or a dumb one, nothing moves and nothing is coloured.
    env |= {"GOVC_INSECURE": "1", "LC_ALL": "C.UTF-8", "TERM": "xterm"}
    for name in ["DISPLAY", "WAYLAND_DISPLAY", "NO_COLOR", "DBUS_SESSION_BUS_ADDRESS"]:
        env.pop(name, None)
    if screen:
        home = str(scratch("home"))
        env |= {"DISPLAY": screen.display, "HOME": home, "XDG_RUNTIME_DIR": home}
        env |= {"NO_AT_BRIDGE": "1", "GSETTINGS_BACKEND": "memory"}
        env |= {f"XDG_{kind}_HOME": home for kind in ["DATA", "CONFIG", "CACHE"]}
        os.chmod(home, 0o700)
    return env


def mksgate(simulator: Simulator, *arguments: str | Path, typed: str = "") -> subprocess.CompletedProcess[bytes]:
    """A command that ends by itself."""
    argv = [str(MKSGATE), *map(str, arguments)]
    env, folder = environment(simulator), scratch("command")
    return subprocess.run(argv, env=env, cwd=folder, input=typed.encode(), capture_output=True, timeout=DEADLINE)


class Connect(Program):
    """`mksgate connect`, and the viewer that it has started."""

    def __init__(self, simulator: Simulator, screen: ViewerScreen | None, *arguments: str) -> None:
        super().__init__("connect", [MKSGATE, "connect", *arguments])
        self.env = environment(simulator, screen)

    def command_lines(self) -> list[str]:
        """What any user of this machine sees of them."""
        return [(process / "cmdline").read_bytes().replace(b"\0", b" ").decode() for process in self.processes()]

    def environments(self) -> list[str]:
        """What only this user sees of them."""
        return [(process / "environ").read_bytes().replace(b"\0", b"\n").decode() for process in self.processes()]


class Told:
    """A viewer under its own name, which keeps what it is told before it becomes the real one.

    `command` is for `--viewer`. It is told the password in its environment, on its standard input or in a file that its
    command line names.
    """

    # What it was told is kept by its process id: a viewer may be started to be told something, and again to be a viewer.
    SCRIPT = """#!/bin/sh
printf '%s\\n' "$*" > "{folder}/$$.command-line"
printf '%s\\n' "$VNC_PASSWORD" > "{folder}/$$.told"
cat > "{folder}/$$.input"
cat "{folder}/$$.input" >> "{folder}/$$.told"
for word; do [ ! -f "$word" ] || cat "$word" >> "{folder}/$$.told"; done
exec {viewer} "$@" < "{folder}/$$.input"
"""

    # A password that was made up for one console (LETTERS in random_password.rs), alone on its line.
    PASSWORD = re.compile(r"^(?:password=)?([a-z2-9]{8})$", re.MULTILINE)

    def __init__(self, viewer: str) -> None:
        program, *options = shlex.split(viewer)
        real = shutil.which(program)
        if real is None:
            raise AssertionError(f"{program} is not installed")
        self.folder = scratch("told")
        script = scratch("viewer") / Path(real).name
        script.write_text(self.SCRIPT.format(folder=self.folder, viewer=real))
        script.chmod(0o700)
        self.command = shlex.join([str(script), *options])

    def passwords(self) -> set[str]:
        """Those that it was told, and may keep to itself."""
        return set(self.PASSWORD.findall("\n".join(path.read_text() for path in self.folder.glob("*.told"))))

    def command_lines(self) -> list[str]:
        """Those of each of its processes, though it may have ended."""
        return [path.read_text() for path in self.folder.glob("*.command-line")]
