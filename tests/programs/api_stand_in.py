"""Stand-ins for the APIs of Proxmox VE, KubeVirt and Hetzner Cloud: HTTPS, and relayed WebSockets.

They are written after the documentation of these products; the products themselves are not tested.
"""

import json
import secrets
import select
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from authority import Authority


class ApiStandIn:
    """Listens at `address`, with a certificate of `authority`, and relays to the WebSocket server on the port `behind`."""

    subprotocol = "binary"

    # The HTTP status of a call that succeeded.
    success = 200

    def __init__(self, authority: Authority, behind: int) -> None:
        self.behind = behind
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"] or 0)).decode())
                answer = stand_in.answer(urlsplit(self.path).path, self.headers, {k: v[0] for k, v in form.items()})
                if answer is None:
                    self.send_error(401)
                    return
                body = json.dumps(answer).encode()
                self.send_response(stand_in.success)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self) -> None:
                offered = self.headers["Sec-WebSocket-Protocol"]
                if offered == stand_in.subprotocol and stand_in.may_open(self.path, self.headers):
                    stand_in.relay(self.connection, self.headers["Sec-WebSocket-Key"])
                else:
                    self.send_error(401)
                self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*authority.certificate())
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.address = f"127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def answer(self, path: str, headers, form: dict[str, str]) -> dict[str, Any] | None:
        """The answer to a call; None if it is refused."""
        return None

    def may_open(self, path: str, headers) -> bool:
        """Whether the client may open a WebSocket."""
        raise NotImplementedError

    def relay(self, client: ssl.SSLSocket, key: str) -> None:
        """Opens a WebSocket to the server behind, and relays in both directions until one side closes."""
        with socket.create_connection(("127.0.0.1", self.behind)) as server:
            server.sendall(
                f"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Protocol: binary\r\n\r\n".encode()
            )
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += server.recv(1)
            client.sendall(head.replace(b"Protocol: binary", b"Protocol: " + self.subprotocol.encode()))
            while True:
                ready = [client] if client.pending() else select.select([client, server], [], [])[0]
                for one, other in ((client, server), (server, client)):
                    if one in ready:
                        data = one.recv(65536)
                        if not data:
                            return
                        other.sendall(data)


class Proxmox(ApiStandIn):
    """A login, a call that gives a ticket for a VM's console, and a WebSocket that each ticket opens once."""

    # The first eight characters of each ticket; VNC authentication uses no more.
    vnc_password = "PVEVNC:6"

    def __init__(self, authority: Authority, behind: int, password: str, vm: str) -> None:
        super().__init__(authority, behind)
        self.password = password
        self.vm = f"/api2/json/{vm}"
        # With characters that must be escaped in a URL.
        self.cookie = f"PVE:console@pve:{secrets.token_hex(4)}::{secrets.token_urlsafe(40)}+/=="
        self.token = secrets.token_urlsafe(20) + "+/"
        self.tickets: set[str] = set()
        self.opened = 0

    def answer(self, path: str, headers, form: dict[str, str]) -> dict[str, Any] | None:
        data = self._data(path, headers, form)
        return None if data is None else {"data": data}

    def _data(self, path: str, headers, form: dict[str, str]) -> dict[str, str] | None:
        match path:
            case "/api2/json/access/ticket" if form == {"username": "console@pve", "password": self.password}:
                return {"ticket": self.cookie, "CSRFPreventionToken": self.token}
            case _ if path == f"{self.vm}/vncproxy" and self._knows(headers) and form == {"websocket": "1"}:
                if headers["CSRFPreventionToken"] != self.token:
                    return None
                ticket = f"{self.vnc_password}{secrets.token_hex(4)}::{secrets.token_urlsafe(40)}+/=="
                self.tickets.add(ticket)
                return {"port": "5900", "ticket": ticket}
        return None

    def may_open(self, path: str, headers) -> bool:
        place = urlsplit(path)
        query = parse_qs(place.query)
        if place.path != f"{self.vm}/vncwebsocket" or not self._knows(headers) or query.get("port") != ["5900"]:
            return False
        try:
            self.tickets.remove(query["vncticket"][0])
        except KeyError:
            return False
        self.opened += 1
        return True

    def _knows(self, headers) -> bool:
        return unquote(headers["Cookie"] or "") == f"PVEAuthCookie={self.cookie}"


class KubeVirt(ApiStandIn):
    """The consoles of VMs, for clients with the token."""

    subprotocol = "plain.kubevirt.io"

    def __init__(self, authority: Authority, behind: int, token: str, vms: list[str]) -> None:
        super().__init__(authority, behind)
        self.token = token
        root = "/apis/subresources.kubevirt.io/v1/namespaces/lab/virtualmachineinstances"
        self.paths = [f"{root}/{vm}/vnc" for vm in vms]

    def may_open(self, path: str, headers) -> bool:
        return path in self.paths and headers["Authorization"] == f"Bearer {self.token}"


class Hetzner(ApiStandIn):
    """A call that gives the URL of a server's console, which opens once, and its password, to clients with the token."""

    success = 201

    # The first eight of 32 characters; VNC authentication uses no more.
    vnc_password = "9MQaTg2V"

    def __init__(self, authority: Authority, behind: int, token: str, server: int) -> None:
        super().__init__(authority, behind)
        self.token = token
        self.server_id = server
        self.tickets: set[str] = set()
        self.opened = 0
        # Whether the token was on the command line of a process, where other users can read it, during a call.
        self.exposed = False

    def answer(self, path: str, headers, form: dict[str, str]) -> dict[str, Any] | None:
        wanted = f"/v1/servers/{self.server_id}/actions/request_console"
        if path != wanted or form or headers["Authorization"] != f"Bearer {self.token}":
            return None
        self.exposed = self.exposed or _is_on_a_command_line(self.token)
        ticket = secrets.token_hex(16)
        self.tickets.add(ticket)
        return {
            "action": {"id": 1, "command": "request_console", "status": "running", "progress": 0, "error": None},
            "wss_url": f"wss://{self.address}/?server_id={self.server_id}&token={ticket}",
            "password": self.vnc_password + secrets.token_urlsafe(18),
        }

    def may_open(self, path: str, headers) -> bool:
        place = urlsplit(path)
        query = parse_qs(place.query)
        if place.path != "/" or query.get("server_id") != [str(self.server_id)]:
            return False
        try:
            self.tickets.remove(query["token"][0])
        except KeyError:
            return False
        self.opened += 1
        return True


def _is_on_a_command_line(secret: str) -> bool:
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if secret.encode() in (process / "cmdline").read_bytes():
                return True
        except OSError:
            # The process has ended meanwhile.
            continue
    return False
