"""HAProxy in front of a port: with PROXY headers of either version, and health checks."""

import socket

from places import free_ports, scratch
from program import Program
from waiting import DEADLINE, until

# The interval of health checks, which is also their timeout.
CHECK = "1s"

VERSIONS = {"v1": "send-proxy", "v2": "send-proxy-v2"}


class HaProxy(Program):
    """`ports` has one port for each version of the header, all in front of the same `port`."""

    def __init__(self, port: int) -> None:
        super().__init__("haproxy", [])
        first = free_ports(len(VERSIONS))
        self.ports = {version: first + n for n, version in enumerate(VERSIONS)}
        self.statistics = scratch("haproxy-statistics") / "s"
        sections = [
            f"listen {version}\n    bind 127.0.0.1:{self.ports[version]}\n"
            f"    server mksgate 127.0.0.1:{port} {header} check inter {CHECK}\n"
            for version, header in VERSIONS.items()
        ]
        head = f"global\n    stats socket {self.statistics} mode 600\n"
        defaults = "defaults\n    mode tcp\n    timeout connect 10s\n    timeout client 60s\n    timeout server 60s\n"
        configuration = self.folder / "haproxy.cfg"
        configuration.write_text(head + defaults + "".join(sections))
        self.argv = ["haproxy", "-db", "-f", str(configuration)]

    def wait_until_ready(self) -> None:
        until("a health check", self._are_all_up)

    def _are_all_up(self) -> bool:
        self.must_run()
        try:
            return all(server["status"] == "UP" for server in self.servers().values())
        except (ConnectionRefusedError, FileNotFoundError):
            # HAProxy creates the file a moment before it listens.
            return False

    def servers(self) -> dict[str, dict[str, str]]:
        """HAProxy's statistics of the server, by the version of the header."""
        with socket.socket(socket.AF_UNIX) as asking:
            asking.settimeout(DEADLINE)
            asking.connect(str(self.statistics))
            asking.sendall(b"show stat\n")
            text = b""
            while more := asking.recv(65536):
                text += more
        names, *lines = text.decode().removeprefix("# ").strip().splitlines()
        rows = [dict(zip(names.split(","), line.split(","), strict=True)) for line in lines]
        return {row["pxname"]: row for row in rows if row["svname"] == "mksgate"}
