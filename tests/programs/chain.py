"""The whole way that a picture takes: Xvnc behind a simulated ESXi behind mksgate."""

from contextlib import ExitStack

from desktop import Desktop
from gateway import Gateway
from simulator import Simulator

# Eight characters: all that the VNC password scheme looks at.
PASSWORD = "Pa55-wd!"
WRONG_PASSWORD = "Pa55-wd?"


class Chain:
    """`desktop`, `simulator` and `gateway` run from `__enter__` to `__exit__`."""

    def __enter__(self) -> "Chain":
        with ExitStack() as stack:
            self.desktop: Desktop = stack.enter_context(Desktop())
            server = f"127.0.0.1:{self.desktop.port}"
            self.simulator = stack.enter_context(
                Simulator("--bridge", f"vm08={server}", "--bridge", f"vm09={server}", "--off", "vm10")
            )
            consoles = [("vm08", "none"), ("vm08", "vnc"), ("vm09", "none"), ("vm10", "none")]
            self.gateway = stack.enter_context(Gateway(self.simulator, consoles, PASSWORD))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def port(self, vm: str, way_in: str = "none") -> int:
        return self.gateway.ports[vm, way_in]
