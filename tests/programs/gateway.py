"""mksgate itself, started with a configuration in front of a simulated host."""

from pathlib import Path

from places import MKSGATE, free_ports
from program import Program
from simulator import Simulator


class Gateway(Program):
    """`ports` has one port for each (VM, way in) of `consoles`; a way in is "none" or "vnc".

    `habits` has what the consoles of a VM are told besides, as lines of the configuration.
    """

    def __init__(
        self,
        simulator: Simulator,
        consoles: list[tuple[str, str]],
        password: str,
        habits: dict[str, str] | None = None,
    ) -> None:
        self._habits = habits or {}
        first = free_ports(len(consoles))
        self.ports = {console: first + n for n, console in enumerate(consoles)}
        super().__init__("mksgate", [])
        configuration = self.folder / "gateway.toml"
        configuration.write_text(self._configuration(simulator))
        self._secret("host-password", simulator.password)
        self._secret("viewer-password", password)
        self.argv = [str(MKSGATE), "--config", str(configuration), "serve"]

    def __enter__(self) -> "Gateway":
        super().__enter__()
        try:
            for port in self.ports.values():
                self.line(rf"\b{port}\b")
        except BaseException:
            self.__exit__()
            raise
        return self

    def _configuration(self, simulator: Simulator) -> str:
        head = f"""
[gateway]
bind = "127.0.0.1"
drain_timeout = "5s"

[vsphere.lab]
address = "{simulator.address}"
username = "{simulator.username}"
password_file = "host-password"
trust = "sha256:{simulator.sha256}"

[auth.vnc]
methods = ["vnc-password"]
password_file = "viewer-password"
"""
        consoles = (
            f'\n[[console]]\nport = {port}\nvsphere = "lab"\nvm = "{vm}"\nauth = "{way_in}"\n'
            + self._habits.get(vm, "")
            for (vm, way_in), port in self.ports.items()
        )
        return head + "".join(consoles)

    def _secret(self, name: str, value: str) -> None:
        path: Path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(value + "\n")
