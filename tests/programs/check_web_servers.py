"""The page in Chromium in front of real desktops: Xvnc with a shell, and QEMU, as consoles of a simulated host.

The pictures that both versions of noVNC draw equal the servers' own, and what is typed and pasted arrives.
"""

import unittest
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image
from selenium.webdriver.common.by import By

import machine_code
import picture
from browser import Browser, type_as_a_person
from desktop import Desktop
from qemu import Qemu
from simulator import Simulator
from web import Web, npm_packages

browser: Browser
pages: dict[str, Web]
servers: dict[str, "Server"]


@dataclass(frozen=True)
class Server:
    """What a server's screen shows, and a wait for a line that its guest has received."""

    picture: Callable[[], Image.Image]
    has_read: Callable[[str], None]


def setUpModule() -> None:
    global browser, pages, servers
    desktop = unittest.enterModuleContext(Desktop())
    qemu = unittest.enterModuleContext(Qemu())
    bridges = {"xvnc": desktop.port, "qemu": qemu.port}
    options = [option for vm, port in bridges.items() for option in ("--bridge", f"{vm}=127.0.0.1:{port}")]
    simulator = unittest.enterModuleContext(Simulator(*options))
    npms = npm_packages() / "@novnc" / "novnc"
    pages = {
        "noVNC of Debian": unittest.enterModuleContext(Web(simulator, list(bridges))),
        "noVNC of npm": unittest.enterModuleContext(Web(simulator, list(bridges), npms)),
    }
    servers = {
        "xvnc": Server(desktop.picture, desktop.has_read),
        "qemu": Server(qemu.picture, lambda line: qemu.has_typed(f"{line}\n")),
    }
    browser = unittest.enterModuleContext(Browser())


class Servers(unittest.TestCase):
    def test_each_pixel_of_the_canvas_is_the_servers(self) -> None:
        for version, page in pages.items():
            browser.log_in(page)
            for name, server in servers.items():
                with self.subTest(f"{name}, {version}"):
                    browser.open_console(page, name)
                    picture.become_equal(browser.canvas, server.picture)
                    self.assertGreater(picture.colours(browser.canvas()), picture.MANY)
                    browser.screenshot(f"{name}-{version.replace(' ', '-')}.png")

    def test_what_a_person_types_arrives_and_is_shown(self) -> None:
        for number, (version, page) in enumerate(pages.items()):
            browser.log_in(page)
            for name, server in servers.items():
                with self.subTest(f"{name}, {version}"):
                    browser.open_console(page, name)
                    picture.become_equal(browser.canvas, server.picture)
                    browser.click("#screen canvas")
                    line = f"The page was here, {number} times! [~@#]"
                    type_as_a_person(browser, line)
                    server.has_read(line)
                    picture.become_equal(browser.canvas, server.picture)

    def test_what_is_pasted_as_keys_arrives_line_by_line(self) -> None:
        for number, (version, page) in enumerate(pages.items()):
            browser.log_in(page)
            for name, server in servers.items():
                with self.subTest(f"{name}, {version}"):
                    browser.open_console(page, name)
                    picture.become_equal(browser.canvas, server.picture)
                    lines = [f'Pasted "{number}"; {{a}} <b> $c', "and a second line"]
                    browser.click("#paste")
                    browser.driver.find_element(By.ID, "text").send_keys("".join(f"{line}\n" for line in lines))
                    browser.click("#dialog .primary")
                    for line in lines if name == "xvnc" else ["\n".join(lines)]:
                        server.has_read(line)
                    picture.become_equal(browser.canvas, server.picture)

    def test_no_two_pixels_of_qemus_guest_are_equal(self) -> None:
        width, height = machine_code.SIZE
        self.assertEqual(width * height, picture.colours(machine_code.picture()))
