"""The photographs of the page in README and docs: list, console and login, light, dark and on a phone.

With PICTURES=1 they are written to docs/pictures; otherwise only to the logs.
"""

import os
import unittest
from pathlib import Path

from PIL import Image

import picture
from browser import CONNECTED, Browser
from places import ROOT
from simulator import Simulator
from waiting import until
from web import OTHER, OTHER_PASSWORD, Web

# The VMs and the host names of their guests. OTHER is on the first.
VMS = {
    "web01": "web01.example",
    "web02": "web02.example",
    "web03": "",
    "db-primary": "db1.example",
    "db-replica": "db2.example",
    "gitlab": "gitlab.example",
    "mail": "mail.example",
    "monitoring": "grafana.example",
    "installer-test": "",
    "win-dc01": "dc01.example",
    "win-build": "",
}
OFF, SUSPENDED = ["web03", "installer-test"], "win-build"

SHOWN = "web01"
TYPED = "boot: linux inst.ks=http://192.0.2.1/ks.cfg inst.text\n\nweb01 login: "

# Scheme and size of each photograph.
LOOKS = {"light": ("light", 1200, 700), "dark": ("dark", 1200, 700), "phone": ("light", 390, 780)}

# Photographs in the documentation are small.
MOST_BYTES = 150_000

KEPT = ROOT / "docs" / "pictures"

simulator: Simulator
browser: Browser
web: Web


def setUpModule() -> None:
    global simulator, browser, web
    on = [name for name in VMS if name not in OFF]
    options = [f"--vm={name}" for name in on] + [f"--off={name}" for name in OFF]
    options += [f"--guest={name}={host}" for name, host in VMS.items() if host]
    simulator = unittest.enterModuleContext(Simulator("--no-clock", *options))
    simulator.switch(SUSPENDED, "suspend")
    web = unittest.enterModuleContext(Web(simulator, [SHOWN, *[name for name in on if name not in (SHOWN, SUSPENDED)]]))
    browser = unittest.enterModuleContext(Browser())


class Photographs(unittest.TestCase):
    def test_login(self) -> None:
        for look in LOOKS:
            show_as(look)
            browser.driver.get(f"{web.url}login")
            browser.driver.delete_all_cookies()
            browser.driver.get(f"{web.url}login")
            browser.becomes("the form", "document.getElementById('password')?.checkVisibility()")
            keep("login", look)

    def test_list_with_a_user_on_a_console(self) -> None:
        with Browser() as other:
            other.log_in(web, OTHER, OTHER_PASSWORD)
            other.open_console(web, SHOWN)
            browser.log_in(web)
            for look in LOOKS:
                show_as(look)
                browser.driver.get(web.url)
                viewers = f"document.querySelector('[data-path=\"{web.path(SHOWN)}\"] [data-field=viewers]').textContent"
                browser.becomes("the other user", f"{viewers}.includes('{OTHER}')")
                # Of each VM that is on and in the window.
                seen = "[...document.querySelectorAll('.vm.on')].filter((row) => row.getBoundingClientRect().top < innerHeight)"
                drawn = "row.querySelector('img').src.startsWith('data:image/png') && row.querySelector('img').complete"
                browser.becomes("all pictures", f"{seen}.every((row) => {drawn})")
                keep("list", look)

    def test_console_with_the_guests_picture(self) -> None:
        browser.log_in(web)
        for number, look in enumerate(LOOKS):
            show_as(look)
            browser.driver.get(web.url + web.path(SHOWN))
            browser.becomes("the console", CONNECTED)
            if number == 0:
                browser.click("#paste")
                browser.driver.find_element("id", "text").send_keys(TYPED)
                browser.click("#dialog .primary")
                simulator.has_typed(SHOWN, TYPED)
                browser.becomes("the console", CONNECTED)
            picture.become_equal(browser.canvas, lambda: simulator.picture(SHOWN))
            # What was drawn is on the screen: the guest's yellow bar.
            until("the picture", lambda: has_colour(browser.view(), (255, 255, 0)))
            browser.run("document.activeElement.blur()")
            keep("console", look)


def show_as(look: str) -> None:
    """The colours that the system wishes, and the size of the window."""
    scheme, width, height = LOOKS[look]
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    # As on a phone, and on many desktops.
    browser.driver.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
    wish = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", wish)


def has_colour(image: Image.Image, colour: tuple[int, int, int]) -> bool:
    return colour in set(image.resize((image.width // 4, image.height // 4), Image.Resampling.NEAREST).getdata())


def keep(name: str, look: str) -> None:
    """Writes the photograph to the logs, and where it is asked for to the documentation."""
    image = browser.screenshot(f"{name}-{look}.png")
    folders = [browser.folder] + ([KEPT] if os.environ.get("PICTURES") == "1" else [])
    for folder in folders:
        path: Path = folder / f"page-{name}-{look}.png"
        image.save(path, optimize=True)
        if path.stat().st_size > MOST_BYTES:
            image.quantize(255, dither=Image.Dither.NONE).save(path, optimize=True)
        assert path.stat().st_size <= MOST_BYTES, f"{path} has {path.stat().st_size} bytes"
