"""Chromium on the page: logs in, opens consoles, and says what they show."""

import base64
import io

from PIL import Image
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from chromium import Chromium
from web import PASSWORD, USER, Web

CONNECTED = "document.getElementById('state').textContent.startsWith('Connected')"

COOKIE = "__Host-mksgate"

# Characters that need Shift on a US keyboard.
SHIFTED = set("""~!@#$%^&*()_+{}|:"<>?""")


class Browser(Chromium):
    """One browser, in which one user at a time is logged in to a page."""

    def log_in(self, page: Web, user: str = USER, password: str = PASSWORD) -> str:
        """Logs in, which leads to the list; returns the cookie as a program sends it."""
        self.driver.get(f"{page.url}login")
        self.driver.delete_all_cookies()
        self.driver.get(page.url)
        self.enter(user, password)
        self.becomes("the list", "document.getElementById('list') !== null")
        (cookie,) = [cookie for cookie in self.driver.get_cookies() if cookie["name"] == COOKIE]
        return f"{COOKIE}={cookie['value']}"

    def enter(self, user: str, password: str) -> None:
        """Fills in the form of the login, and sends it."""
        for name, text in [("user", user), ("password", password)]:
            field = self.driver.find_element(By.ID, name)
            field.clear()
            field.send_keys(text)
        self.click("form button")

    def click(self, selector: str) -> None:
        self.driver.find_element(By.CSS_SELECTOR, selector).click()

    def text(self, selector: str) -> str:
        return self.driver.find_element(By.CSS_SELECTOR, selector).text

    def open_console(self, page: Web, vm: str) -> None:
        """Opens a VM's console, at its own size."""
        self.driver.get(page.url + page.path(vm))
        self.becomes("the console", CONNECTED)
        self.click("#fit")

    def canvas(self) -> Image.Image:
        """The picture that noVNC has drawn, by the pixels that a script reads from its canvas."""
        width, height, pixels = self.run(
            "const canvas = document.querySelector('#screen canvas');"
            "const { width, height } = canvas;"
            "const pixels = canvas.getContext('2d').getImageData(0, 0, width, height).data;"
            "let text = '';"
            "for (let at = 0; at < pixels.length; at += 32768)"
            "  text += String.fromCharCode(...pixels.subarray(at, at + 32768));"
            "return [width, height, btoa(text)];"
        )
        return Image.frombytes("RGBA", (width, height), base64.b64decode(pixels)).convert("RGB")

    def view(self) -> Image.Image:
        """What the window shows now."""
        return Image.open(io.BytesIO(self.driver.get_screenshot_as_png())).convert("RGB")


def type_as_a_person(browser: Browser, text: str) -> None:
    """Types a line on a US keyboard, whose Shift the driver does not press by itself."""
    actions = ActionChains(browser.driver)
    for character in text:
        if character.isupper() or character in SHIFTED:
            actions.key_down(Keys.SHIFT).send_keys(character).key_up(Keys.SHIFT)
        else:
            actions.send_keys(character)
    actions.send_keys(Keys.ENTER).perform()
