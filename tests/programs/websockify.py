"""Debian's websockify: a VNC port in a WebSocket, with TLS or without."""

import socket
from pathlib import Path

from places import free_ports
from program import Program
from waiting import until


class Websockify(Program):
    """Leads to one VNC port, without TLS. `address` is where it listens."""

    def __init__(self, *argv: str | Path) -> None:
        port = free_ports()
        self.address = f"127.0.0.1:{port}"
        super().__init__("websockify", ["websockify", self.address, *argv])

    def __enter__(self) -> "Websockify":
        super().__enter__()
        try:
            until("websockify's port", self._listens)
        except BaseException:
            self.__exit__()
            raise
        return self

    def _listens(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError(f"websockify ended with {self.process.returncode}: {self.stderr[-2000:]}")
        host, _, port = self.address.rpartition(":")
        try:
            socket.create_connection((host, int(port))).close()
        except ConnectionRefusedError:
            return False
        return True


def tokens(folder: Path, ports: dict[str, int]) -> tuple[str | Path, ...]:
    """The options by which a token in the URL's query chooses the VNC port."""
    path = folder / "tokens"
    path.write_text("".join(f"{token}: 127.0.0.1:{port}\n" for token, port in ports.items()))
    return "--token-plugin", "TokenFile", "--token-source", path
