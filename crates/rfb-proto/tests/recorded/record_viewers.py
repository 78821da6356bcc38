"""Records what real viewers say, for tests/recorded_viewers.rs: to an Xvnc and to a QEMU, from ClientInit on.

python3 record_viewers.py    (needs Xvnc, qemu-system-x86_64, Xvfb, xdotool and the viewers below; writes
NAME.viewer beside itself)

In each viewer's window somebody types, moves the pointer, clicks and turns the wheel.
"""

import os
import pathlib
import socket
import subprocess
import tempfile
import threading
import time

import record
import record_qemu

HERE = pathlib.Path(__file__).parent

XVNC, QEMU = "xvnc", "qemu"
# What it is called, whom it talks to, and how it is started.
WINDOWS = [
    ("tigervnc", XVNC, ["xtigervncviewer", "-Shared=1", "-MenuKey=", "-LowColorLevel=1", "127.0.0.1::{port}"]),
    ("tigervnc", QEMU, ["xtigervncviewer", "-PreferredEncoding=ZRLE", "-AutoSelect=0", "127.0.0.1::{port}"]),
    ("tightvnc", XVNC, ["xtightvncviewer", "-encodings", "tight hextile", "127.0.0.1::{port}"]),
    ("gtk-vnc", XVNC, ["gvncviewer", "127.0.0.1:{display}"]),
    ("gtk-vnc", QEMU, ["gvncviewer", "127.0.0.1:{display}"]),
]
VNCDO = ["vncdo", "--server", "127.0.0.1::{port}"]
VNCDO += ["type", "hello", "key", "ctrl-alt-del", "move", "30", "40", "click", "1", "drag", "90", "60"]
VNCDO += ["capture", "{picture}"]
# Of the security handshake: a version and a security type.
BEFORE = 12 + 1


class Tap(threading.Thread):
    """Between one viewer and a server: what the viewer said."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.server, self.said = server, b""
        self.start()

    def run(self):
        viewer = self.listener.accept()[0]
        server = socket.socket(socket.AF_UNIX)
        server.connect(self.server)
        threading.Thread(target=self.back, args=(server, viewer), daemon=True).start()
        while data := viewer.recv(1 << 16):
            self.said += data
            server.sendall(data)
        server.shutdown(socket.SHUT_WR)

    def back(self, server, viewer):
        try:
            while data := server.recv(1 << 16):
                viewer.sendall(data)
        except OSError:
            pass


def run(display, *argv):
    subprocess.run(argv, env={**os.environ, "DISPLAY": display}, check=True, capture_output=True, timeout=20)


def use(display, argv):
    """Somebody at a viewer's window."""
    env = {**os.environ, "DISPLAY": display, "HOME": tempfile.gettempdir(), "NO_AT_BRIDGE": "1"}
    viewer = subprocess.Popen(argv, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(3)
        find = ["xdotool", "search", "--onlyvisible", "--name", "."]
        window = subprocess.run(find, env=env, capture_output=True, text=True, timeout=20).stdout.split()[0]
        run(display, "xdotool", "windowfocus", window)
        for x in range(20, 120, 20):
            run(display, "xdotool", "mousemove", "--window", window, str(x), str(x // 2))
            time.sleep(0.1)
        run(display, "xdotool", "click", "1", "click", "4", "click", "5", "click", "3")
        run(display, "xdotool", "type", "--delay", "40", "Hello, 42 @ xyz!")
        keys = ["Return", "ctrl+c", "F5", "Left", "Page_Down", "KP_7", "Caps_Lock", "Caps_Lock", "BackSpace"]
        run(display, "xdotool", "key", "--delay", "40", *keys)
        time.sleep(1)
    finally:
        viewer.terminate()
        viewer.wait()


def write(name, tap):
    time.sleep(0.5)
    (HERE / f"{name}.viewer").write_bytes(tap.said[BEFORE:])
    print(f"{name}: {len(tap.said) - BEFORE} bytes")


def main():
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        xvnc, _ = record.serve(one)
        qemu = record_qemu.serve(other)
        read, ready = os.pipe()
        xvfb = ["Xvfb", "-displayfd", str(ready), "-screen", "0", "800x600x24", "-nolisten", "tcp", "-noreset"]
        xvfb = subprocess.Popen(xvfb, pass_fds=[ready], stderr=subprocess.DEVNULL)
        os.close(ready)
        try:
            display = ":" + os.read(read, 16).decode().strip()
            record_qemu.connect(other).close()
            servers = {XVNC: f"{one}/rfb", QEMU: f"{other}/rfb"}
            for name, server, argv in WINDOWS:
                tap = Tap(servers[server])
                use(display, [word.format(port=tap.port, display=tap.port - 5900) for word in argv])
                write(f"{name}-{server}", tap)
            tap = Tap(servers[XVNC])
            vncdo = [word.format(port=tap.port, picture=f"{one}/1.png") for word in VNCDO]
            subprocess.run(vncdo, check=True, timeout=60)
            write(f"vncdotool-{XVNC}", tap)
        finally:
            for server in (xvnc, qemu, xvfb):
                server.terminate()
                server.wait()


if __name__ == "__main__":
    main()
