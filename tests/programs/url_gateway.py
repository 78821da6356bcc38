"""mksgate with consoles at URLs, and no vSphere at all."""

from pathlib import Path

from places import MKSGATE, free_ports
from program import Program


class UrlGateway(Program):
    """`ports` has one port for each name of `consoles`, whose values are the keys that its `[[console]]` has.

    `secrets` are files beside the configuration that only their owner can read.
    """

    def __init__(self, consoles: dict[str, str], secrets: dict[str, str] | None = None) -> None:
        super().__init__("mksgate", [], {"MKSGATE_LOG": "trace"})
        first = free_ports(len(consoles))
        self.ports = {name: first + n for n, name in enumerate(consoles)}
        for name, text in (secrets or {}).items():
            path: Path = self.folder / name
            path.touch(mode=0o700 if text.startswith("#!") else 0o600)
            path.write_text(text)
        configuration = self.folder / "gateway.toml"
        tables = (
            f'[[console]]\nport = {port}\n{keys}\n' for port, keys in zip(self.ports.values(), consoles.values(), strict=True)
        )
        configuration.write_text("\n".join(tables))
        self.argv = [str(MKSGATE), "--config", str(configuration), "serve"]

    def __enter__(self) -> "UrlGateway":
        super().__enter__()
        try:
            for port in self.ports.values():
                self.line(rf":{port} ")
        except BaseException:
            self.__exit__()
            raise
        return self
