"""Debian's Chromium without a window, driven by its chromedriver. It reaches loopback and nothing else."""

import io

from PIL import Image
from selenium.webdriver import Remote
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.common.proxy import Proxy, ProxyType
from selenium.webdriver.remote.client_config import ClientConfig

from places import free_ports
from program import Program
from waiting import DEADLINE, until

_FLAGS = [
    *["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"],
    # No downloads of its own.
    *["--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic"],
    # No proxy, and no host names but these two.
    *["--no-proxy-server", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"],
    # The simulated host has a self-signed certificate.
    "--ignore-certificate-errors",
    "--window-size=1400,1100",
]


class Chromium(Program):
    """`driver` is Selenium's."""

    def __init__(self) -> None:
        self.port = free_ports()
        super().__init__("chromium", ["chromedriver", f"--port={self.port}"])

    def wait_until_ready(self) -> None:
        self.line("started successfully")
        server = f"http://127.0.0.1:{self.port}"
        direct = Proxy(raw={"proxyType": ProxyType.DIRECT})
        config = ClientConfig(server, proxy=direct, timeout=int(DEADLINE))
        self.driver = Remote(server, options=self._options(), client_config=config)
        self.driver.set_script_timeout(DEADLINE)

    def run(self, script: str, *arguments: object) -> object:
        """The result of a script in the page."""
        return self.driver.execute_script(script, *arguments)

    def becomes(self, what: str, script: str) -> None:
        """Waits until a script in the page returns something true."""
        until(what, lambda: self.run(f"return {script}"))

    def screenshot(self, name: str) -> Image.Image:
        """A screenshot of the page, which is kept with the logs under this name."""
        path = self.folder / name
        path.write_bytes(self.driver.get_screenshot_as_png())
        return Image.open(io.BytesIO(path.read_bytes())).convert("RGB")

    def axe(self, script: str) -> list[object]:
        """What axe-core, given as its script, finds wrong with the page: the rules, and the elements."""
        self.run(script)
        return self.driver.execute_async_script(
            "const done = arguments[0];"
            "axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})"
            ".then((result) => done(result.violations.map((one) => [one.id, one.nodes.map((node) => node.html)])))"
        )

    def _options(self) -> Options:
        options = Options()
        options.binary_location = "/usr/bin/chromium"
        for flag in [*_FLAGS, f"--user-data-dir={self.folder / 'profile'}"]:
            options.add_argument(flag)
        return options
