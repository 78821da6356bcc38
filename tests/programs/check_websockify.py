"""websockify in front of a real desktop, behind mksgate: with and without TLS, with tokens and passwords."""

import base64
import re
import subprocess
import unittest
from pathlib import Path

import picture
import tigervnc
import vncdo
from at_url import ConnectUrl, failed_step, probe, secret_file
from authority import Authority
from desktop import Desktop
from places import MKSGATE, scratch
from program import Program
from screen import ViewerScreen
from tigervnc import TigerVnc
from gateway import UrlGateway
from waiting import DEADLINE, until
from websockify import Websockify, tokens

TOKEN = "8f1c6d2e-not-to-be-read"
LOGIN = "ada:engine-1843"

desktop: Desktop
screen: ViewerScreen
plain: Websockify
secure: Websockify
gateway: UrlGateway
authority: Authority


def setUpModule() -> None:
    global desktop, screen, plain, secure, gateway, authority
    desktop = unittest.enterModuleContext(Desktop())
    screen = unittest.enterModuleContext(ViewerScreen())
    authority = Authority()
    certificate, key = authority.certificate()
    plain = unittest.enterModuleContext(Websockify(f"127.0.0.1:{desktop.port}"))
    lead = tokens(scratch("tokens"), {TOKEN: desktop.port})
    login = ["--auth-plugin", "BasicHTTPAuth", "--auth-source", LOGIN]
    secure = unittest.enterModuleContext(Websockify("--cert", certificate, "--key", key, "--ssl-only", *lead, *login))
    trust = f'trust = "file:{authority.pem}"'
    url = f"wss://{LOGIN}@{secure.address}/websockify?token={TOKEN}"
    consoles = {
        "plain": f'url = "ws://{plain.address}/"',
        "secure": f'url = "{url}"\n{trust}',
        "command": f'url_command = ["./fresh-url"]\n{trust}',
        "no login": f'url = "wss://{secure.address}/websockify?token={TOKEN}"\n{trust}',
        "no token": f'url = "wss://{LOGIN}@{secure.address}/websockify?token=unknown"\n{trust}',
        "no trust": f'url = "{url}"',
        "other subprotocol": f'url = "ws://{plain.address}/"\nsubprotocol = "chat"',
    }
    fresh = f"#!/bin/sh\necho '{url}'\n"
    gateway = unittest.enterModuleContext(UrlGateway(consoles, {"fresh-url": fresh}))


class Pictures(unittest.TestCase):
    def test_vncdotool_sees_the_desktop_pixel_for_pixel_at_every_url(self) -> None:
        for name in ["plain", "secure", "command"]:
            with self.subTest(name):
                direct = vncdo.capture(desktop.port)
                self.assertGreater(picture.colours(direct), picture.MANY)
                picture.become_equal(lambda name=name: vncdo.capture(gateway.ports[name]), desktop.picture)

    def test_tigervnc_sees_the_desktop_pixel_for_pixel_and_types(self) -> None:
        for name in ["plain", "secure"]:
            with self.subTest(name), TigerVnc(screen, gateway.ports[name]) as viewer:
                viewer.shows(desktop.picture)
                viewer.type_line(f"through websockify, {name}")
                desktop.has_read(f"through websockify, {name}")
                viewer.shows(desktop.picture)


class Typing(unittest.TestCase):
    def test_type_sends_an_x_server_the_keysyms_of_the_characters(self) -> None:
        text = "Typed: Äh? No, (a) {b} [c] ~ $"
        typed = subprocess.run(
            [str(MKSGATE), "type", "--url", f"ws://{plain.address}/", text, "--enter", "--layout", "de", "--delay", "10"],
            capture_output=True, text=True, timeout=DEADLINE, stdin=subprocess.DEVNULL,
        )
        self.assertEqual((0, "", ""), (typed.returncode, typed.stdout, typed.stderr))
        desktop.has_read(text)


class Refusals(unittest.TestCase):
    def test_the_viewer_gets_the_reason(self) -> None:
        refused, closed = "refused the WebSocket: ask the administrator", "closed the connection: connect again"
        for name, reason, logged in [
            ("no login", refused, "HTTP status 401 .* set cookie or headers"),
            ("no token", f"{refused}|{closed}", "refused the WebSocket|before the console was ready"),
            ("no trust", "the host's certificate is not trusted: ask the administrator",
             "certificate of 127.0.0.1:[0-9]+ is not trusted .* or change trust"),
            ("other subprotocol", refused, "refused the WebSocket .* subprotocol"),
        ]:
            with self.subTest(name):
                gateway.check_refusal(vncdo.refusal(gateway.ports[name]), reason, logged)


class Log(unittest.TestCase):
    def test_it_names_host_and_path_and_neither_token_nor_password(self) -> None:
        for name in ["secure", "command"]:
            vncdo.capture(gateway.ports[name])
        # The log has the end of a session a moment after the viewer has disconnected.
        closed = "session closed: .*vm=fresh-url .*to_viewer=[1-9]"
        until("the end in the log", lambda: re.search(closed, gateway.stdout + gateway.stderr))
        output = gateway.stdout + gateway.stderr
        self.assertRegex(output, rf"session opened .*vm={secure.address}/websockify ")
        self.assertRegex(output, "session opened .*vm=fresh-url ")
        self.assertNotIn(TOKEN, output)
        self.assertNotIn(LOGIN.partition(":")[2], output)


class InOneCommand(unittest.TestCase):
    def setUp(self) -> None:
        login = base64.b64encode(LOGIN.encode()).decode()
        self.headers = secret_file("headers", f"Authorization: Basic {login}\n")
        self.url = f"wss://{secure.address}/websockify?token={TOKEN}"
        self.trust = f"file:{authority.pem}"

    def test_connect_serves_one_viewer_after_another(self) -> None:
        fresh: Path = secret_file("fresh-url", f"#!/bin/sh\necho 'wss://{LOGIN}@{self.url.removeprefix('wss://')}'\n")
        fresh.chmod(0o700)
        for name, options in {
            "plain": ["--url", f"ws://{plain.address}/"],
            "secure": ["--url", self.url, "--trust", self.trust, "--headers-file", self.headers],
            "command": ["--url-command", str(fresh), "--trust", self.trust],
        }.items():
            with self.subTest(name), ConnectUrl(*options) as connect:
                for _ in range(2):
                    picture.become_equal(lambda: vncdo.capture(connect.port, connect.password), desktop.picture)
                self.assertEqual(0, connect.end())
                self.assertEqual("", connect.stderr)

    def test_tigervnc_sees_the_desktop_through_connect_and_types(self) -> None:
        options = ["--url", self.url, "--trust", self.trust, "--headers-file", self.headers]
        with ConnectUrl(*options) as connect, TigerVnc(screen, connect.port, password=connect.password) as viewer:
            viewer.shows(desktop.picture)
            viewer.type_line("through websockify, at once")
            desktop.has_read("through websockify, at once")

    def test_connect_starts_tigervnc_on_the_desktop_and_ends_with_it(self) -> None:
        options = ["--url", self.url, "--trust", self.trust, "--headers-file", self.headers, "--viewer", tigervnc.COMMAND]
        home = {"DISPLAY": screen.display, "HOME": str(scratch("home"))}
        with Program("connect-viewer", [MKSGATE, "connect", *options], home) as connect:
            picture.become_equal(lambda: screen.picture(screen.window("TigerVNC Viewer")), desktop.picture)
            self.assertRegex(connect.stderr, f"^{secure.address}/websockify: TigerVNC ")
            connect.end()

    def test_probe_finds_the_desktop_step_by_step(self) -> None:
        for name, options in {
            "plain": ["--against", f"ws://{plain.address}/"],
            "secure": ["--against", self.url, "--trust", self.trust, "--headers-file", self.headers],
        }.items():
            with self.subTest(name):
                code, answer, output = probe(*options)
                self.assertEqual(0, code, output)
                self.assertNotIn(TOKEN, output)
                steps = {step["step"]: step for step in answer["steps"]}
                tls = ["tls"] if name == "secure" else []
                self.assertEqual(["url", "tcp", *tls, "websocket", "rfb", "screen", "updates"], list(steps))
                self.assertEqual("binary", steps["websocket"]["subprotocol"])
                self.assertEqual(picture.SIZE, (steps["screen"]["width"], steps["screen"]["height"]))

    def test_probe_says_what_is_missing(self) -> None:
        login = ["--headers-file", self.headers]
        for code, step, options, reason in [
            (7, "tls", ["--against", self.url, *login], "not trusted .* add --trust sha256:[0-9a-f]{64}$"),
            (1, "websocket", ["--against", self.url, "--trust", self.trust], "HTTP status 401 .* set cookie or headers$"),
            (1, "websocket", ["--against", f"ws://{plain.address}/", "--subprotocol", "chat"], "subprotocol"),
            # Without a certificate websockify answers without TLS or resets the connection, whichever comes first.
            (1, "tls", ["--against", f"wss://{plain.address}/"], "does not speak TLS: check the port$|no TLS connection to 127"),
            (1, "websocket", ["--against", f"ws://127.0.0.1:{desktop.port}/"], "refused the WebSocket|before the console was ready"),
        ]:
            with self.subTest(reason):
                last, output = failed_step(code, *options)
                self.assertEqual(step, last["step"], output)
                self.assertRegex(last["error"], reason)
                self.assertNotIn(TOKEN, output)
