"""Xvnc behind a simulated ESXi behind mksgate: all programs between a desktop and a viewer."""

from contextlib import ExitStack

from desktop import Desktop
from gateway import METHODS, Gateway
from simulator import Simulator

# vm08 and vm09 show the desktop; vm10 is powered off.
CONSOLES = [("vm08", method) for method in METHODS] + [("vm09", "none"), ("vm10", "none")]


class Chain:
    """`desktop`, `simulator` and `gateway` run from `__enter__` to `__exit__`."""

    def __enter__(self) -> "Chain":
        with ExitStack() as stack:
            self.desktop: Desktop = stack.enter_context(Desktop())
            server = f"127.0.0.1:{self.desktop.port}"
            self.simulator = stack.enter_context(
                Simulator("--bridge", f"vm08={server}", "--bridge", f"vm09={server}", "--off", "vm10")
            )
            self.gateway = stack.enter_context(Gateway(self.simulator, CONSOLES))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def port(self, method: str = "none", vm: str = "vm08") -> int:
        """The port of a VM's console with this login method."""
        return self.gateway.ports[vm, method]
