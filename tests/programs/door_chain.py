"""The whole way that a picture takes through each kind of door: Xvnc behind a simulated ESXi behind mksgate."""

from contextlib import ExitStack

from desktop import Desktop
from door import WAYS, Door
from simulator import Simulator


class DoorChain:
    """`desktop`, `simulator` and `door` run from `__enter__` to `__exit__`."""

    def __enter__(self) -> "DoorChain":
        with ExitStack() as stack:
            self.desktop: Desktop = stack.enter_context(Desktop())
            self.simulator = stack.enter_context(Simulator("--bridge", f"vm08=127.0.0.1:{self.desktop.port}"))
            self.door: Door = stack.enter_context(Door(self.simulator, [("vm08", way) for way in WAYS]))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def port(self, way: str) -> int:
        return self.door.ports["vm08", way]
