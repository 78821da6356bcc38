"""websockify in front of a real desktop, behind mksgate: with and without TLS, with tokens and passwords."""

import unittest

import picture
import vncdo
from authority import Authority
from desktop import Desktop
from places import scratch
from screen import ViewerScreen
from tigervnc import TigerVnc
from url_gateway import UrlGateway
from websockify import Websockify, tokens

TOKEN = "8f1c6d2e-not-to-be-read"
LOGIN = "ada:engine-1843"

desktop: Desktop
screen: ViewerScreen
plain: Websockify
secure: Websockify
gateway: UrlGateway


def setUpModule() -> None:
    global desktop, screen, plain, secure, gateway
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
    def test_vncdotool_sees_the_desktop_pixel_for_pixel_through_every_way(self) -> None:
        for way in ["plain", "secure", "command"]:
            with self.subTest(way):
                direct = vncdo.capture(desktop.port)
                self.assertGreater(picture.colours(direct), picture.MANY)
                picture.become_equal(lambda way=way: vncdo.capture(gateway.ports[way]), desktop.picture)

    def test_tigervnc_sees_the_desktop_pixel_for_pixel_and_types(self) -> None:
        for way in ["plain", "secure"]:
            with self.subTest(way), TigerVnc(screen, gateway.ports[way]) as viewer:
                viewer.shows(desktop.picture)
                viewer.type_line(f"through websockify, {way}")
                desktop.has_read(f"through websockify, {way}")
                viewer.shows(desktop.picture)


class Refusals(unittest.TestCase):
    def test_each_is_told_to_the_viewer_in_words_that_help(self) -> None:
        for way, reason in {
            "no login": "HTTP status 401 .* see cookie and headers",
            "no token": "refused the WebSocket|before the console was ready",
            "no trust": "certificate of 127.0.0.1:[0-9]+ is not trusted .* or change trust",
            "other subprotocol": "refused the WebSocket .* subprotocol",
        }.items():
            with self.subTest(way):
                ended = vncdo.visit(gateway.ports[way], "key", "a")
                self.assertNotEqual(0, ended.returncode)
                self.assertRegex(ended.stderr, f"CRITICAL.*({reason})")


class Log(unittest.TestCase):
    def test_it_names_host_and_path_and_neither_token_nor_password(self) -> None:
        for way in ["secure", "command"]:
            vncdo.capture(gateway.ports[way])
        said = gateway.stdout + gateway.stderr
        self.assertRegex(said, rf"session opened .*vm={secure.address}/websockify ")
        self.assertRegex(said, "session opened .*vm=fresh-url ")
        self.assertRegex(said, "session closed: .*vm=fresh-url .*to_viewer=[1-9]")
        self.assertNotIn(TOKEN, said)
        self.assertNotIn(LOGIN.partition(":")[2], said)
