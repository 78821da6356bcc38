"""Debian's websockify: a VNC port in a WebSocket, with TLS or without."""

from pathlib import Path

from places import free_ports
from program import Program


class Websockify(Program):
    """It listens at `address`."""

    def __init__(self, *argv: str | Path) -> None:
        self.port = free_ports()
        self.address = f"127.0.0.1:{self.port}"
        super().__init__("websockify", ["websockify", self.address, *argv])

    def wait_until_ready(self) -> None:
        self.wait_for_port(self.port)


def tokens(folder: Path, ports: dict[str, int]) -> tuple[str | Path, ...]:
    """The options by which a token in the URL's query selects the VNC port."""
    path = folder / "tokens"
    path.write_text("".join(f"{token}: 127.0.0.1:{port}\n" for token, port in ports.items()))
    return "--token-plugin", "TokenFile", "--token-source", path
