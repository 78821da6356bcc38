"""`mksgate connect` and its like, with a simulated host in their environment."""

import os
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
    env |= {"GOVC_INSECURE": "1", "LC_ALL": "C.UTF-8"}
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

    def processes(self) -> list[Path]:
        """Those of its group that still run, as folders of /proc."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if os.getpgid(int(process.name)) == self.process.pid and (process / "cmdline").read_bytes():
                    found.append(process)
            except OSError:
                # It has just ended.
                continue
        return found

    def command_lines(self) -> list[str]:
        """What any user of this machine sees of them."""
        return [(process / "cmdline").read_bytes().replace(b"\0", b" ").decode() for process in self.processes()]

    def environments(self) -> list[str]:
        """What only this user sees of them."""
        return [(process / "environ").read_bytes().replace(b"\0", b"\n").decode() for process in self.processes()]
