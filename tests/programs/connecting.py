"""mksgate's commands, with a simulated host in their environment."""

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
    """The variables that a command needs for the host, and a viewer for the screen; none of the caller's settings."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("GOVC_", "VNC"))}
    env |= {"GOVC_URL": simulator.address, "GOVC_USERNAME": simulator.username, "GOVC_PASSWORD": simulator.password}
    # TERM: without one, or with "dumb", there are no spinners and no colours.
    env |= {"GOVC_INSECURE": "1", "LC_ALL": "C.UTF-8", "TERM": "xterm"}
    for name in ["DISPLAY", "WAYLAND_DISPLAY", "NO_COLOR", "DBUS_SESSION_BUS_ADDRESS"]:
        env.pop(name, None)
    # No session of an earlier command, and nothing in the caller's home.
    env["XDG_CACHE_HOME"] = str(scratch("cache"))
    if screen:
        home = str(scratch("home"))
        env |= {"DISPLAY": screen.display, "HOME": home, "XDG_RUNTIME_DIR": home}
        env |= {"NO_AT_BRIDGE": "1", "GSETTINGS_BACKEND": "memory"}
        env |= {f"XDG_{kind}_HOME": home for kind in ["DATA", "CONFIG", "CACHE"]}
        os.chmod(home, 0o700)
    return env


def mksgate(simulator: Simulator, *arguments: str | Path, typed: str = "") -> subprocess.CompletedProcess[bytes]:
    """Runs a command that ends by itself."""
    argv = [str(MKSGATE), *map(str, arguments)]
    env, folder = environment(simulator), scratch("command")
    return subprocess.run(argv, env=env, cwd=folder, input=typed.encode(), capture_output=True, timeout=DEADLINE)


class Connect(Program):
    """`mksgate connect`, and the viewer that it has started."""

    def __init__(self, simulator: Simulator, screen: ViewerScreen | None, *arguments: str) -> None:
        super().__init__("connect", [MKSGATE, "connect", *arguments])
        self.env = environment(simulator, screen)

    def command_lines(self) -> list[str]:
        """The command lines of all its processes, which any user of the machine can read."""
        return [(process / "cmdline").read_bytes().replace(b"\0", b" ").decode() for process in self.processes()]

    def environments(self) -> list[str]:
        """The environments of all its processes, which only this user can read."""
        return [(process / "environ").read_bytes().replace(b"\0", b"\n").decode() for process in self.processes()]


class RecordingViewer:
    """A script with the name of a viewer, which records its arguments, password and input, then runs the viewer.

    `command` is for `--viewer`. A viewer is given the password in its environment, on its standard input or in a file.
    """

    # By process id: a viewer may be started once to be given the password, and again to connect.
    SCRIPT = """#!/bin/sh
printf '%s\\n' "$*" > "{folder}/$$.command-line"
printf '%s\\n' "$VNC_PASSWORD" > "{folder}/$$.told"
cat > "{folder}/$$.input"
cat "{folder}/$$.input" >> "{folder}/$$.told"
for word; do [ ! -f "$word" ] || cat "$word" >> "{folder}/$$.told"; done
exec {viewer} "$@" < "{folder}/$$.input"
"""

    # A password that was made for one console (LETTERS in random_password.rs), alone on a line.
    PASSWORD = re.compile(r"^(?:password=)?([a-z2-9]{8})$", re.MULTILINE)

    def __init__(self, viewer: str) -> None:
        program, *options = shlex.split(viewer)
        real = shutil.which(program)
        if real is None:
            raise AssertionError(f"{program} is not installed")
        self.folder = scratch("recorded")
        script = scratch("viewer") / Path(real).name
        script.write_text(self.SCRIPT.format(folder=self.folder, viewer=real))
        script.chmod(0o700)
        self.command = shlex.join([str(script), *options])

    def passwords(self) -> set[str]:
        """The passwords that it was given."""
        return set(self.PASSWORD.findall("\n".join(path.read_text() for path in self.folder.glob("*.told"))))

    def command_lines(self) -> list[str]:
        """The command line of each of its processes, also of those that have ended."""
        return [path.read_text() for path in self.folder.glob("*.command-line")]
