"""The recipes of docs/recipes, with the programs that they describe."""

import contextlib
import os
import re
import subprocess
import unittest
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator

import picture
import remmina
import tigervnc
import vncdo
from connecting import environment
from desktop import Desktop
from libvnc import VNC, LibVnc
from page import RECIPES, Recipe
from places import MKSGATE, free_ports
from program import Program
from screen import ViewerScreen
from simulator import Simulator
from sshd import Sshd
from waiting import until

# As the recipes have it.
PASSWORD = "s3cret"

desktop: Desktop
simulator: Simulator
screen: ViewerScreen


def setUpModule() -> None:
    global desktop, simulator, screen
    desktop = unittest.enterModuleContext(Desktop())
    server = f"127.0.0.1:{desktop.port}"
    simulator = unittest.enterModuleContext(
        Simulator("--bridge", f"vm08={server}", "--bridge", f"web server={server}", "--off", "vm10")
    )
    screen = unittest.enterModuleContext(ViewerScreen())


class Recipes(unittest.TestCase):
    def test_the_list_has_every_recipe(self) -> None:
        listed = set(re.findall(r"\]\((\S+\.md)\)", (RECIPES / "README.md").read_text()))
        self.assertEqual({path.name for path in RECIPES.glob("*.md")} - {"README.md"}, listed)


class BootTyping(unittest.TestCase):
    def test_text_and_keys_are_typed_and_the_screen_is_kept(self) -> None:
        recipe = Recipe("boot-typing", environment(simulator))
        recipe.run(0)
        # This shell reads the Escape key as a character.
        desktop.has_read("\x1blinux ks=http://192.0.2.1/ks.cfg text")
        seen = picture.read(recipe.folder / "after.png")
        self.assertEqual(picture.SIZE, seen.size)
        recipe.run(1, INSTALL_SECRET="not on a command line")
        desktop.has_read("not on a command line")

    def test_vncdotool_types_through_connect(self) -> None:
        recipe = Recipe("boot-typing", environment(simulator))
        recipe.run(2)
        desktop.has_read("install text")
        before, typed = (picture.read(recipe.folder / name) for name in ["before.png", "typed.png"])
        self.assertNotEqual("", picture.difference(before, typed))


class Guacamole(unittest.TestCase):
    def test_its_library_shows_the_desktop_with_the_settings_of_the_connection(self) -> None:
        with _daemon("guacamole") as recipe:
            connection = ElementTree.parse(recipe.folder / "user-mapping.xml").find("authorize/connection")
            self.assertEqual("vnc", connection.findtext("protocol"))
            settings = {setting.attrib["name"]: setting.text for setting in connection.iter("param")}
            self.assertEqual("127.0.0.1", settings["hostname"])
            visit = LibVnc().visit(int(settings["port"]), VNC, password=settings["password"])
            self.assertEqual("", picture.difference(visit.picture(), desktop.picture()))


class Ansible(unittest.TestCase):
    def test_the_playbook_types_and_takes_a_picture(self) -> None:
        recipe = Recipe("ansible", environment(simulator))
        played = recipe.run(0, HOME=str(recipe.folder), ANSIBLE_NOCOLOR="1", ANSIBLE_LOCALHOST_WARNING="0")
        self.assertRegex(played.stdout, r"localhost +: ok=5 .*failed=0 ")
        desktop.has_read("systemctl reboot")
        self.assertEqual(picture.SIZE, picture.read(recipe.folder / "vm08.png").size)


class RemminaProfile(unittest.TestCase):
    def test_the_profile_shows_the_desktop(self) -> None:
        with _daemon("remmina") as recipe, recipe.begin(0):
            remmina.shows(screen, "vm08", desktop.picture)


class Ssh(unittest.TestCase):
    def test_each_viewer_on_the_port_has_a_console_over_ssh(self) -> None:
        with Sshd(_jump_host_environment()) as sshd:
            port = free_ports()
            env = environment(simulator)
            recipe = Recipe("ssh", env | {"PATH": f"{sshd.client}{os.pathsep}{env['PATH']}"}, {"5901": str(port)})
            with recipe.begin(0):
                until("socat to listen", lambda: _listens(port))
                for _ in range(2):
                    self.assertEqual("", picture.difference(vncdo.capture(port), desktop.picture()))

    def test_a_port_of_the_daemon_is_forwarded(self) -> None:
        with Sshd({}) as sshd, _daemon("remmina") as daemon:
            local, far = free_ports(), int(daemon.env["CONSOLE_PORT"])
            env = environment(simulator)
            env |= {"PATH": f"{sshd.client}{os.pathsep}{env['PATH']}"}
            recipe = Recipe("ssh", env, {"5903": str(local), "5902": str(far)})
            with recipe.begin(1):
                until("ssh to forward", lambda: _listens(local))
                self.assertEqual("", picture.difference(vncdo.capture(local, PASSWORD), desktop.picture()))


class Links(unittest.TestCase):
    def test_a_click_opens_the_console(self) -> None:
        recipe = Recipe("links", _at_home(environment(simulator, screen)))
        subprocess.run(["desktop-file-validate", "mksgate-link.desktop"], cwd=recipe.folder, check=True)
        recipe.run(0)
        for link in ["vnc://vm08", "vnc://web%20server/"]:
            clicked = Program("click", ["gio", "open", link])
            clicked.env = recipe.env | {"VNCVIEWER": tigervnc.COMMAND}
            with self.subTest(link), clicked:
                picture.become_equal(lambda: screen.picture(screen.window("TigerVNC Viewer")), desktop.picture)

    def test_a_link_is_no_option_and_no_command(self) -> None:
        recipe = Recipe("links", _at_home(environment(simulator, screen)))
        recipe.run(0)
        for link in ["vnc://--proxy-only", "vnc://", "vnc://%2d-stdio", "vnc:///"]:
            argv = [recipe.folder / "mksgate-link", link]
            ended = subprocess.run(argv, env=recipe.env, cwd=recipe.folder, capture_output=True, text=True)
            self.assertEqual(2, ended.returncode, link)
            self.assertRegex(ended.stderr, "has no VM name")
        argv = [recipe.folder / "mksgate-link", "vnc://$(touch%20x);touch%20y"]
        ended = subprocess.run(argv, env=recipe.env, cwd=recipe.folder, capture_output=True, text=True)
        self.assertRegex(ended.stderr, r"there is no VM \$\(touch x\);touch y")
        self.assertFalse({"x", "y"} & {path.name for path in recipe.folder.iterdir()})


@contextlib.contextmanager
def _daemon(name: str) -> Iterator[Recipe]:
    """mksgate with the recipe's configuration, in front of the simulated host, on a free port."""
    port = str(free_ports())
    trust = f'trust = "sha256:{simulator.sha256}"'
    instead = {"192.0.2.10": simulator.address, 'trust = "system"': trust, "5901": port}
    recipe = Recipe(name, environment(simulator, screen), instead)
    recipe.env["CONSOLE_PORT"] = port
    recipe.secret("lab.password", simulator.password)
    recipe.secret("vnc.password", PASSWORD)
    with Program("daemon", [MKSGATE, "--config", recipe.folder / "gateway.toml", "serve"]) as daemon:
        daemon.line(rf"\b{port}\b")
        yield recipe


def _at_home(env: dict[str, str]) -> dict[str, str]:
    """The environment without XDG variables, so that all files are below HOME."""
    return {name: value for name, value in env.items() if not name.startswith("XDG_")}


def _jump_host_environment() -> dict[str, str]:
    """The environment of a login on the jump host."""
    env = environment(simulator)
    known = {name: value for name, value in env.items() if name.startswith("GOVC_")}
    return known | {"PATH": f"{MKSGATE.parent}:/usr/bin:/bin"}


def _listens(port: int) -> bool:
    """Whether a port is listened on. Connecting to it would open a console."""
    found = subprocess.run(["ss", "-Hltn", f"sport = :{port}"], capture_output=True, text=True, check=True)
    return found.stdout != ""
