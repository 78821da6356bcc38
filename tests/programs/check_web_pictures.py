"""Pictures of VMs in the page's list: which VMs are asked for, and what Chromium shows."""

import unittest

from selenium.webdriver.common.by import By

from browser import Browser
from simulator import Simulator
from waiting import until
from web import PASSWORD, USER, Web

VMS = [f"vm-{number:03}" for number in range(200)]

# In the order of the list.
FIRST, LAST = VMS[0], VMS[-1]

OFF = VMS[1]

simulator: Simulator
browser: Browser
web: Web


def setUpModule() -> None:
    global simulator, browser, web
    vms = [option for vm in VMS for option in ("--vm", vm)]
    simulator = unittest.enterModuleContext(Simulator("--no-clock", *vms))
    simulator.switch(OFF, "off")
    web = unittest.enterModuleContext(Web(simulator, VMS[:1], web_keys='thumbnail_every = "3s"'))
    browser = unittest.enterModuleContext(Browser())


class Pictures(unittest.TestCase):
    # It runs first, by its name: nobody has asked for any picture.
    def test_0_rows_that_can_be_seen_show_their_vms_and_no_other_is_asked_for(self) -> None:
        browser.log_in(web, USER, PASSWORD)
        until("pictures of all rows in the window", lambda: all(shows_picture(vm) for vm in visible() if vm != OFF))
        self.assertGreater(len(visible()), 5)
        self.assertFalse(shows_picture(OFF))
        browser.screenshot("pictures.png")
        asked = simulator.counts()["screens"]
        self.assertEqual({moref(vm) for vm in visible() if vm != OFF}, set(asked))
        browser.run("document.querySelector('.vm:last-child').scrollIntoView()")
        until("the picture of the last", lambda: shows_picture(LAST))
        self.assertLessEqual(len(simulator.counts()["screens"]), len(asked) + len(visible()))

    def test_without_a_script_pictures_are_images_of_the_page(self) -> None:
        cookie = web.log_in(USER, PASSWORD)
        body = web.ask("/", cookie, Accept="text/html")[2]
        path = web.path(FIRST).replace("vm/", "picture/", 1)
        self.assertIn(f'<noscript><img src="./{path}" alt="" width="120" height="75" loading="lazy"', body)
        self.assertEqual(199, body.count('src="./picture/'))

    def test_a_picture_changes_when_its_vm_does_and_only_then(self) -> None:
        browser.log_in(web, USER, PASSWORD)
        until("the picture", lambda: source(FIRST).startswith("data:image/png"))
        before = source(FIRST)
        times = simulator.counts()["screens"][moref(FIRST)]
        until("two more", lambda: simulator.counts()["screens"][moref(FIRST)] > times + 1)
        self.assertEqual(before, source(FIRST))
        simulator.resize(FIRST, 1024, 768)
        until("another picture", lambda: source(FIRST) != before)

    def test_a_vm_that_is_switched_off_and_on_loses_its_picture_and_gets_another(self) -> None:
        browser.log_in(web, USER, PASSWORD)
        vm = VMS[2]
        until("the picture", lambda: shows_picture(vm))
        simulator.switch(vm, "off")
        until("a screen that is off", lambda: not shows_picture(vm))
        simulator.switch(vm, "on")
        until("the picture again", lambda: shows_picture(vm))

    def test_rows_of_a_search_show_their_pictures(self) -> None:
        browser.log_in(web, USER, PASSWORD)
        browser.driver.find_element(By.ID, "q").send_keys("vm-15")
        until("ten rows", lambda: len(visible()) == 10)
        until("their pictures", lambda: all(shows_picture(vm) for vm in visible()))


def row(vm: str) -> str:
    return f"[...document.querySelectorAll('.vm')].find((row) => row.querySelector('.name').textContent === '{vm}')"


def source(vm: str) -> str:
    return str(browser.run(f"return {row(vm)}.querySelector('img').src"))


def shows_picture(vm: str) -> bool:
    """Whether a picture of the host was loaded, which has another width than the drawn one."""
    image = f"{row(vm)}.querySelector('img')"
    return bool(browser.run(f"return {image}.complete && {image}.naturalWidth === 267"))


def visible() -> list[str]:
    """The VMs whose rows are in the window."""
    script = """
        const inside = (box) => box.bottom > 0 && box.top < innerHeight;
        const rows = [...document.querySelectorAll('.vm')].filter((row) => inside(row.getBoundingClientRect()));
        return rows.map((row) => row.querySelector('.name').textContent);
    """
    return [str(name) for name in browser.run(script)]


def moref(vm: str) -> str:
    path = str(browser.run(f"return {row(vm)}.dataset.path"))
    return path.rsplit("/", 1)[1].replace("%2D", "-")
