"""`mksgate connect` with stock viewers and without a viewer; `screenshot`, `type` and `keys`."""

import json
import os
import re
import signal
import unittest
from collections.abc import Callable

from PIL import Image

import picture
import remmina
import snapshot
import terminal
import tigervnc
import vncdo
from connecting import Connect, RecordingViewer, environment, mksgate
from desktop import Desktop
from places import MKSGATE
from screen import ViewerScreen
from simulator import Simulator
from waiting import until

# The mean difference of a picture that went through JPEG is far less, that of another picture far more.
JPEG_NOISE = 5.0

# The escape sequence that removes a progress bar.
ERASE_LINE = "\x1b[2K"

desktop: Desktop
simulator: Simulator
screen: ViewerScreen


def setUpModule() -> None:
    global desktop, simulator, screen
    desktop = unittest.enterModuleContext(Desktop())
    simulator = unittest.enterModuleContext(Simulator("--bridge", f"vm08=127.0.0.1:{desktop.port}", "--vm", "vm09"))
    screen = unittest.enterModuleContext(ViewerScreen())


class Viewers(unittest.TestCase):
    def test_tigervnc_shows_the_desktop_and_types_and_the_password_is_not_visible(self) -> None:
        recorded = RecordingViewer(tigervnc.COMMAND)
        with Connect(simulator, screen, "vm08", "--viewer", recorded.command) as connect:
            window = screen.window("TigerVNC Viewer")
            picture.become_equal(lambda: screen.picture(window), desktop.picture)
            screen.run("xdotool", "windowfocus", "--sync", window, "type", "--delay", "20", "connected by name")
            screen.run("xdotool", "key", "Return")
            desktop.has_read("connected by name")
            self._keeps_the_password(connect, recorded)
            self.assertIn(f"VNC_PASSWORD={recorded.passwords().pop()}\n", "\n".join(connect.environments()))

    def test_it_ends_with_the_viewer_and_its_exit_code(self) -> None:
        with Connect(simulator, screen, "vm08", "--viewer", tigervnc.COMMAND) as connect:
            screen.window("TigerVNC Viewer")
            viewers = [process for process in connect.processes() if int(process.name) != connect.process.pid]
            self.assertEqual(1, len(viewers))
            os.kill(int(viewers[0].name), signal.SIGKILL)
            self.assertEqual(128 + signal.SIGKILL, connect.ended())
            self.assertEqual([], connect.processes())

    def test_it_says_that_the_vm_was_switched_off_and_exits_with_5(self) -> None:
        for viewer in [tigervnc.COMMAND, "gvncviewer"]:
            with self.subTest(viewer), Connect(simulator, screen, "vm09", "--viewer", viewer) as connect:
                until("an open console", lambda: simulator.counts()["consoles_open"] == 1)
                simulator.switch("vm09", "off")
                try:
                    self.assertEqual(5, connect.ended(), connect.stderr)
                    self.assertRegex(connect.stderr, r"(?m)^mksgate: the VM was powered off \(close code 1001\): start it")
                finally:
                    simulator.switch("vm09", "on")

    def test_an_interrupt_ends_the_viewer_too(self) -> None:
        with Connect(simulator, screen, "vm08", "--viewer", tigervnc.COMMAND) as connect:
            screen.window("TigerVNC Viewer")
            connect.end()
            self.assertEqual([], connect.processes())

    def test_without_an_option_it_finds_a_viewer_and_names_it(self) -> None:
        # Without options it asks the guest for the size of its window, so it gets a desktop that no other check compares.
        with Connect(simulator, screen, "vm09") as connect:
            screen.window("TigerVNC Viewer")
            self.assertRegex(connect.stderr, r"^vm09: TigerVNC \(/\S+/xtigervncviewer\)\n")

    def test_remmina_shows_the_desktop(self) -> None:
        self._shows("remmina", lambda: remmina.shows(screen, "vm08", desktop.picture))

    def test_gvncviewer_shows_the_desktop(self) -> None:
        # It asks for JPEG, so pixels differ a little; above the picture is its menu.
        recorded = RecordingViewer("gvncviewer")
        with Connect(simulator, screen, "vm08", "--viewer", recorded.command) as connect:

            def differs(turned: int) -> float:
                seen, expected = screen.picture(screen.window("Gvncviewer")), desktop.picture()
                below = seen.crop((0, seen.height - expected.height, expected.width, seen.height))
                return snapshot.mean_difference(below, expected.rotate(turned))

            until("the desktop in its window", lambda: differs(0) < JPEG_NOISE)
            self.assertGreater(differs(180), JPEG_NOISE)
            self.assertNotIn("password", connect.stderr)
            # It is given a socket that only its user can reach, and no password.
            self.assertEqual(set(), recorded.passwords())
            self.assertRegex("".join(recorded.command_lines()), r"^/\S+\n$")

    def test_remote_viewer_shows_the_desktop(self) -> None:
        self._shows("remote-viewer", lambda: _is_in_the_window("Remote-viewer"))

    def test_tightvnc_shows_the_desktop(self) -> None:
        viewer = "xtightvncviewer -encodings hextile -x11cursor"
        self._shows(viewer, lambda: _is_in_the_window("Vncviewer"))

    def _shows(self, viewer: str, wait: Callable[[], None]) -> None:
        """Its window shows the desktop; it did not ask for a password, and did not reveal it."""
        recorded = RecordingViewer(viewer)
        with Connect(simulator, screen, "vm08", "--viewer", recorded.command) as connect:
            wait()
            self.assertNotIn("password", connect.stderr)
            self._keeps_the_password(connect, recorded)

    def _keeps_the_password(self, connect: Connect, recorded: RecordingViewer) -> None:
        """The viewer was given a password, which is on no command line and in no output."""
        (password,) = recorded.passwords()
        lines = connect.command_lines()
        self.assertGreaterEqual(len(lines), 2, "mksgate and the viewer")
        self.assertNotIn(password, "\n".join(lines + recorded.command_lines()) + connect.stdout + connect.stderr)


def _is_in_the_window(kind: str) -> None:
    """Waits until the window of this class shows the desktop."""

    def look() -> bool:
        return remmina.contains(screen.picture(screen.window(kind)), desktop.picture())

    until(f"the desktop in the window of {kind}", look)


class Endpoint(unittest.TestCase):
    def test_proxy_only_serves_one_connection_after_another(self) -> None:
        with Connect(simulator, None, "vm08", "--proxy-only") as connect:
            line = json.loads(connect.line(r"^\{.*\}$")[0])
            for _ in range(2):
                seen: Image.Image = vncdo.capture(line["port"], line["password"])
                self.assertEqual("", picture.difference(seen, desktop.picture()))
            refused = vncdo.visit(line["port"], "key", "a", password="wrong")
            self.assertNotEqual(0, refused.returncode)
            self.assertEqual(0, connect.end())
            self.assertEqual(1, len(connect.stdout.splitlines()))


class WithoutAViewer(unittest.TestCase):
    def test_a_screenshot_equals_the_desktop_pixel_for_pixel(self) -> None:
        file = mksgate(simulator, "screenshot", "vm08", "-o", "-")
        self.assertEqual((0, b""), (file.returncode, file.stderr))
        path = desktop.server.folder / "screenshot.png"
        path.write_bytes(file.stdout)
        seen = picture.read(path)
        self.assertGreater(picture.colours(seen), picture.MANY)
        self.assertEqual("", picture.difference(seen, desktop.picture()))

    def test_pictures_of_all_vms_come_with_a_progress_bar_on_a_terminal_unless_quiet(self) -> None:
        argv = [str(MKSGATE), "screenshot", "--all", "-d", "shots"]
        code, said = terminal.converse(argv, {}, environment(simulator) | {"TERM": "xterm"})
        self.assertEqual(0, code, said)
        bars = dict(re.findall(r"([█░]{30}) (\d of 2)  vm0[89]\b", said))
        self.assertEqual({"░" * 30: "0 of 2", "█" * 15 + "░" * 15: "1 of 2", "█" * 30: "2 of 2"}, bars, said)
        self.assertTrue(said.endswith(f"\r{ERASE_LINE}2 screenshots are in shots\r\n"), said)
        code, said = terminal.converse([*argv, "--quiet"], {}, environment(simulator) | {"TERM": "xterm"})
        self.assertEqual((0, ""), (code, said))
        taken = mksgate(simulator, *argv[1:])
        self.assertEqual((0, b"2 screenshots are in shots\n"), (taken.returncode, taken.stderr))

    def test_text_and_keys_reach_the_shell(self) -> None:
        # Xvnc takes no scan codes, and a character's keysym for the character: only with the layout us is that the same key.
        typed = mksgate(simulator, "type", "vm08", "Typed: Eh? No, (a) {b} [c] ~ $", "--enter", "--delay", "10")
        self.assertEqual(0, typed.returncode, typed.stderr)
        desktop.has_read("Typed: Eh? No, (a) {b} [c] ~ $")
        # From standard input, with a typing error and Backspace.
        lines = mksgate(simulator, "type", "vm08", "--file", "-", "--delay", "10", typed="two\nlinesX")
        self.assertEqual(0, lines.returncode, lines.stderr)
        keys = mksgate(simulator, "keys", "vm08", "backspace", "shift-1", "enter")
        self.assertEqual(0, keys.returncode, keys.stderr)
        desktop.has_read("lines!")
        self.assertEqual("two", desktop.lines()[-2])

    def test_probe_reports_on_a_real_server(self) -> None:
        probed = mksgate(simulator, "probe", "vm08", "--json")
        answer = json.loads(probed.stdout)
        self.assertTrue(answer["ok"], answer)
        [screen_step] = [step for step in answer["steps"] if step["step"] == "screen"]
        self.assertEqual(picture.SIZE, (screen_step["width"], screen_step["height"]))
