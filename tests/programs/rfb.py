"""An RFB client that sends single messages, for exchanges that no real viewer makes."""

import socket
import ssl
import struct

from waiting import DEADLINE

GREETING = b"RFB 003.008\n"

# Security types (RFC 6143 section 7.1.2) and VeNCrypt's subtypes.
NONE, VNC, VENCRYPT = 1, 2, 19
X509_NONE, X509_VNC, X509_PLAIN = 260, 261, 262


class RawViewer:
    """A connection from any loopback address. It sends nothing by itself."""

    def __init__(self, port: int, source: str = "127.0.0.1") -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), DEADLINE, (source, 0))
        self.address = "{}:{}".format(*self.socket.getsockname())

    def __enter__(self) -> "RawViewer":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def read(self, count: int) -> bytes:
        """Exactly so many bytes."""
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            if not more:
                raise EOFError(f"{count} bytes were due, the connection ended after {data!r}")
            data += more
        return data

    def rest(self) -> bytes:
        """Reads until the other side closes or resets the connection."""
        data = b""
        try:
            while more := self.socket.recv(4096):
                data += more
        except ConnectionError:
            pass
        return data

    def offered(self) -> list[int]:
        """Sends RFB 3.8's greeting; returns the security types that the server offers."""
        if self.read(len(GREETING)) != GREETING:
            raise AssertionError("the server sent no RFB 3.8 greeting")
        self.send(GREETING)
        (count,) = self.read(1)
        return list(self.read(count))

    def kinds(self) -> list[int]:
        """Chooses VeNCrypt 0.2; returns the subtypes that the server offers."""
        self.send(bytes([VENCRYPT]))
        version = self.read(2)
        self.send(version)
        refused, count = self.read(2)
        if version != b"\x00\x02" or refused:
            raise AssertionError(f"the server did not accept VeNCrypt 0.2: {version!r}, {refused}")
        return list(struct.unpack(f">{count}I", self.read(4 * count)))

    def begin_tls(self, kind: int) -> None:
        """Chooses this subtype of VeNCrypt; the next bytes are the TLS handshake."""
        self.offered()
        self.kinds()
        self.send(struct.pack(">I", kind))
        if self.read(1) != b"\x01":
            raise AssertionError("the server refuses a subtype that it offered")

    def reason(self) -> str:
        """Reads a failed security result and the reason that comes with it."""
        (failed,) = struct.unpack(">I", self.read(4))
        if failed != 1:
            raise AssertionError(f"the result is {failed}")
        return self.text()

    def text(self) -> str:
        """Reads a reason, which the server also sends in place of security types."""
        (length,) = struct.unpack(">I", self.read(4))
        return self.read(length).decode()

    def start_tls(self) -> None:
        """Starts TLS, without verifying the certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.socket = context.wrap_socket(self.socket)

    def log_in(self, user: bytes, password: bytes) -> None:
        """Sends the name and password of VeNCrypt's Plain, inside TLS."""
        self.send(struct.pack(">II", len(user), len(password)) + user + password)

    def see_screen(self) -> tuple[int, int]:
        """Logs in at a port without a password; the size of the desktop in ServerInit."""
        self.offered()
        self.send(bytes([NONE]))
        if self.read(4) != bytes(4):
            raise AssertionError("it was not let in")
        self.send(b"\x01")
        width, height = struct.unpack(">HH", self.read(4))
        return width, height
