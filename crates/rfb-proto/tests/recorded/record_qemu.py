"""Records what a real QEMU sends, for tests/recorded.rs, as record.py does of Xvnc.

python3 record_qemu.py    (needs qemu-system-x86_64; writes qemu-NAME.rfb beside itself)

The guest is a program on its disk's first sector: it makes a screen of the same size as the Xvnc's, fills it with short
runs of eight colours, and for each byte from the keyboard paints three rows in one colour.
"""

import pathlib
import socket
import struct
import subprocess
import tempfile
import time

from record import BIG, LOW, RGB565, SIZE, TRUE, ask, begin, follow

HERE = pathlib.Path(__file__).parent
# DesktopSize, both cursors, ExtendedDesktopSize, QEMU's pointer, keys and lights, the desktop's name, ledState.
EXTRAS = [-223, -224, -239, -314, -308, -307, -257, -258, -261]

RECORDINGS = {
    "raw": ([0], LOW),
    "hextile": ([5], TRUE),
    "hextile-565": ([5], RGB565),
    "zlib": ([6], TRUE),
    "tight": ([7, -254], TRUE),
    "tight-jpeg": ([7, -26], TRUE),
    "tight-png": ([-260], TRUE),
    "zrle": ([16], TRUE),
    "zrle-big": ([16], BIG),
    "zywrle": ([17, -26], TRUE),
}

LOADED_AT = 0x7C00
CODE = [
    ("cli", "fa"),
    ("xor bx, bx", "31 db"),
    ("mov ds, bx", "8e db"),
    ("mov si, table", "be TABLE"),
    ("mov cx, 5", "b9 05 00"),
    ("mov dx, 0x1ce", "ba ce 01"),
    # set: a number and a value for the display
    ("lodsw", "ad"),
    ("out dx, ax", "ef"),
    ("inc dx", "42"),
    ("lodsw", "ad"),
    ("out dx, ax", "ef"),
    ("dec dx", "4a"),
    ("loop set", "e2 f8"),
    ("push 0xa000", "68 00 a0"),
    ("pop es", "07"),
    ("xor di, di", "31 ff"),
    ("xor ebx, ebx", "66 31 db"),
    ("mov cx, 144 * 96", "b9 00 36"),
    # pixel
    ("mov eax, ebx", "66 89 d8"),
    ("shr eax, 5", "66 c1 e8 05"),
    ("and eax, 7", "66 83 e0 07"),
    ("imul eax, eax, 0x1d3b5f", "66 69 c0 5f 3b 1d 00"),
    ("stosd", "66 ab"),
    ("inc ebx", "66 43"),
    ("loop pixel", "e2 e8"),
    ("xor di, di", "31 ff"),
    # key
    ("in al, 0x64", "e4 64"),
    ("test al, 1", "a8 01"),
    ("jz key", "74 fa"),
    ("in al, 0x60", "e4 60"),
    ("movzx eax, al", "66 0f b6 c0"),
    ("imul eax, eax, 0x010203", "66 69 c0 03 02 01 00"),
    ("mov cx, 144 * 3", "b9 b0 01"),
    ("rep stosd", "f3 66 ab"),
    ("jmp key", "eb e5"),
    # table: off, 144 across, 96 down, 32 bits, on
    ("dw 4, 0", "04 00 00 00"),
    ("dw 1, 144", "01 00 90 00"),
    ("dw 2, 96", "02 00 60 00"),
    ("dw 3, 32", "03 00 20 00"),
    ("dw 4, 0x41", "04 00 41 00"),
]


def disk():
    code = " ".join(bytes_of for _, bytes_of in CODE)
    table = LOADED_AT + len(bytes.fromhex(code.replace("TABLE", "0000"))) - 5 * 4
    code = bytes.fromhex(code.replace("TABLE", table.to_bytes(2, "little").hex()))
    return (code.ljust(510, b"\0") + b"\x55\xaa").ljust(128 * 512, b"\0")


def serve(folder):
    image = pathlib.Path(folder) / "disk.img"
    image.write_bytes(disk())
    command = ["qemu-system-x86_64", "-no-user-config", "-nodefaults", "-machine", "pc", "-accel", "tcg", "-m", "16"]
    command += ["-vga", "std", "-drive", f"file={image},format=raw,if=ide", "-name", "a guest"]
    command += ["-audiodev", "none,id=silence"]
    # lossy: or it would make no JPEG of anything.
    return subprocess.Popen(command + ["-vnc", f"unix:{folder}/rfb,share=ignore,lossy=on,audiodev=silence"])


def connect(folder):
    """A connection to a guest that has made its screen."""
    while True:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(f"{folder}/rfb")
            begin(connection)
            # Not taken, for it is recorded.
            if struct.unpack(">HH", connection.recv(4, socket.MSG_PEEK | socket.MSG_WAITALL)) == SIZE:
                return connection
        except (FileNotFoundError, ConnectionRefusedError):
            pass
        connection.close()
        time.sleep(0.5)


def press(connection, keysym):
    for down in (1, 0):
        connection.sendall(struct.pack(">BBxxI", 4, down, keysym))


def record(folder, encodings, form):
    connection = connect(folder)
    connection.sendall(b"\0\0\0\0" + form)
    listed = encodings + EXTRAS
    connection.sendall(struct.pack(">BxH%di" % len(listed), 2, len(listed), *listed))
    ask(connection, 0)
    data = b""
    for key in "abcdef":
        data += follow(connection, 0.6)
        press(connection, ord(key))
    data += follow(connection, 0.6, last=True)
    connection.close()
    return data


def main():
    with tempfile.TemporaryDirectory() as folder:
        qemu = serve(folder)
        try:
            connect(folder).close()
            # The screen is there before its picture.
            time.sleep(2)
            for name, (encodings, form) in RECORDINGS.items():
                data = form + record(folder, encodings, form)
                (HERE / f"qemu-{name}.rfb").write_bytes(data)
                print(f"qemu-{name}: {len(data)} bytes")
        finally:
            qemu.terminate()
            qemu.wait()


if __name__ == "__main__":
    main()
