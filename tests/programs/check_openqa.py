"""`mksgate relay` in place of os-autoinst's dewebsockify, with its arguments and a ticket of the simulated host."""

import ssl
import sys
import unittest
from pathlib import Path
from urllib.parse import urlsplit

from PIL import Image

import openqa
import picture
import vncdo
from desktop import Desktop
from openqa import LOG_LEVEL, Dewebsockify
from places import scratch
from simulator import Simulator

# openQA adds these if VMWARE_VNC_OVER_WS_INSECURE is set.
TOLD = ("--loglevel", LOG_LEVEL, "--insecure")

desktop: Desktop
simulator: Simulator


def setUpModule() -> None:
    global desktop, simulator
    desktop = unittest.enterModuleContext(Desktop())
    simulator = unittest.enterModuleContext(Simulator("--bridge", f"vm08=127.0.0.1:{desktop.port}"))


def ticket() -> tuple[str, str]:
    return openqa.acquire(simulator.address, simulator.username, simulator.password, "vm08")


def certificate_of(url: str) -> Path:
    """A file with the certificate of the URL's host."""
    host = urlsplit(url)
    file = scratch("certificate") / "host.pem"
    file.write_text(ssl.get_server_certificate((host.hostname, host.port)))
    return file


class InPlaceOfDewebsockify(unittest.TestCase):
    def test_vncdotool_sees_the_desktop_pixel_for_pixel_and_it_ends_with_the_ticket(self) -> None:
        def capture() -> Image.Image:
            with Dewebsockify(*ticket(), *TOLD) as relay:
                seen = vncdo.capture(relay.port)
                self.assertEqual(0, relay.ended())
                return seen

        self.assertGreater(picture.colours(capture()), picture.MANY)
        picture.become_equal(capture, desktop.picture)

    def test_it_shows_the_desktop_with_os_autoinsts_three_arguments_alone(self) -> None:
        def capture() -> Image.Image:
            url, cookie = ticket()
            relay = Dewebsockify(url, cookie)
            self.assertEqual(["--listenport", "--websocketurl", "--cookie"], relay.argv[1::2])
            # Without --insecure the system must trust the host, so the host's certificate is added to what it trusts.
            relay.env["SSL_CERT_FILE"] = str(certificate_of(url))
            with relay:
                seen = vncdo.capture(relay.port)
                self.assertEqual(0, relay.ended())
                return seen

        picture.become_equal(capture, desktop.picture)

    def test_what_vncdotool_types_arrives(self) -> None:
        with Dewebsockify(*ticket(), *TOLD) as relay:
            ended = vncdo.visit(relay.port, "type", "openqa was here", "key", "enter")
            self.assertEqual(0, ended.returncode, ended.stderr)
            desktop.has_read("openqa was here")

    def test_ticket_and_cookie_are_not_in_its_log(self) -> None:
        url, cookie = ticket()
        with Dewebsockify(url, cookie, *TOLD) as relay:
            vncdo.capture(relay.port)
            self.assertEqual(0, relay.ended())
        said = relay.stdout + relay.stderr
        self.assertRegex(said, r"session closed: .* seconds=[\d.]+")
        self.assertNotIn(url.rpartition("/")[2], said)
        self.assertNotIn(cookie.partition("=")[2].strip('"'), said)

    def test_an_untrusted_certificate_is_refused_without_insecure(self) -> None:
        with Dewebsockify(*ticket()) as relay:
            self.assertNotEqual(0, vncdo.visit(relay.port, "key", "a").returncode)
            self.assertEqual(1, relay.ended())
        self.assertRegex(relay.stderr, "mksgate: the certificate of 127.0.0.1:[0-9]+ is not trusted .* or change trust")

    def test_sigterm_ends_it_before_the_first_connection(self) -> None:
        with Dewebsockify(*ticket(), *TOLD) as relay:
            self.assertEqual(0, relay.end())

    def test_with_a_reconnect_command_each_viewer_gets_a_ticket_of_its_own(self) -> None:
        script = Path(openqa.__file__)
        fresh = f"'{sys.executable}' '{script}' {simulator.address} {simulator.username} vm08"
        relay = Dewebsockify(*ticket(), *TOLD, "--reconnect-command", fresh)
        relay.env["PASSWORD"] = simulator.password
        with relay:
            for _ in range(2):
                picture.become_equal(lambda: vncdo.capture(relay.port), desktop.picture)
            relay.has_logged("session=2")
            self.assertEqual(0, relay.end())
