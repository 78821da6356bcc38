"""Records what a real Xvnc sends, for tests/recorded.rs: one file for each list of encodings and pixel format.

python3 record.py    (needs Xvnc and xterm; writes NAME.rfb beside itself)

Each file is the pixel format that was asked for, as 16 bytes, and then all that the server sent from its
ServerInit on, up to the end of its last whole update.
"""

import os
import pathlib
import select
import socket
import struct
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).parent
SIZE = (144, 96)
EXTRAS = [-223, -224, -239, -307, -308, -312, -313, -314, -258, -261, 0x574D5664, 0x574D5668]
TRUE = struct.pack(">BBBBHHHBBB3x", 32, 24, 0, 1, 255, 255, 255, 16, 8, 0)
BIG = struct.pack(">BBBBHHHBBB3x", 32, 24, 1, 1, 255, 255, 255, 16, 8, 0)
RGB565 = struct.pack(">BBBBHHHBBB3x", 16, 16, 0, 1, 31, 63, 31, 11, 5, 0)
LOW = struct.pack(">BBBBHHHBBB3x", 8, 6, 0, 1, 3, 3, 3, 4, 2, 0)

RECORDINGS = {
    "raw": ([0], LOW),
    "rre": ([1, 2], LOW),
    "rre-true": ([2], TRUE),
    "hextile": ([1, 5], TRUE),
    "hextile-565": ([5], RGB565),
    "hextile-low": ([5], LOW),
    "tight": ([1, 7, -254], TRUE),
    "tight-jpeg": ([7, -26], TRUE),
    "tight-565": ([7], RGB565),
    "tight-low": ([7], LOW),
    "zrle": ([1, 16], TRUE),
    "zrle-big": ([16], BIG),
}


def serve(folder):
    read, write = os.pipe()
    command = ["Xvnc", "-displayfd", str(write), "-geometry", "%dx%d" % SIZE, "-rfbunixpath", f"{folder}/rfb"]
    command += ["-rfbport", "-1", "-SecurityTypes", "None", "-depth", "24", "-desktop", "a desktop"]
    command += ["-nolisten", "tcp", "-noreset"]
    xvnc = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    # Its own end alone: should it end early, so does the reading of its number.
    os.close(write)
    return xvnc, ":" + os.read(read, 16).decode().strip()


def exactly(connection, count):
    data = b""
    while len(data) < count:
        data += connection.recv(count - len(data))
    return data


def ask(connection, incremental):
    connection.sendall(struct.pack(">BBHHHH", 3, incremental, 0, 0, *SIZE))


def begin(connection):
    """All that comes before ServerInit."""
    exactly(connection, 12)
    connection.sendall(b"RFB 003.008\n")
    exactly(connection, exactly(connection, 1)[0])
    connection.sendall(b"\x01")
    exactly(connection, 4)
    connection.sendall(b"\x01")


def follow(connection, seconds, last=False):
    """What comes in so many seconds, asking for more whenever nothing does; the `last` time to the end of it."""
    data, until = b"", time.monotonic() + seconds
    while time.monotonic() < until:
        if select.select([connection], [], [], 0.15)[0]:
            data += connection.recv(1 << 16)
        else:
            ask(connection, 1)
    while last and select.select([connection], [], [], 0.5)[0]:
        data += connection.recv(1 << 16)
    return data


def record(folder, display, encodings, form):
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(f"{folder}/rfb")
    begin(connection)
    connection.sendall(b"\0\0\0\0" + form)
    listed = encodings + EXTRAS
    connection.sendall(struct.pack(">BxH%di" % len(listed), 2, len(listed), *listed))
    ask(connection, 0)
    said = "for i in 1 2 3 4 5 6; do printf '\\033[3%dm%d lines of text\\n' $i $((i * 7777)); sleep 0.2; done; sleep 1"
    xterm = ["xterm", "-geometry", "22x6+2+2", "-fn", "fixed", "-e", said]
    xterm = subprocess.Popen(xterm, env={**os.environ, "DISPLAY": display})
    data = follow(connection, 4, last=True)
    xterm.wait()
    connection.close()
    return data


def main():
    with tempfile.TemporaryDirectory() as folder:
        xvnc, display = serve(folder)
        try:
            for name, (encodings, form) in RECORDINGS.items():
                data = form + record(folder, display, encodings, form)
                (HERE / f"{name}.rfb").write_bytes(data)
                print(f"{name}: {len(data)} bytes")
        finally:
            xvnc.terminate()
            xvnc.wait()


if __name__ == "__main__":
    main()
