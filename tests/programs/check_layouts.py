"""Typed text arrives in guests with each keyboard layout that the gateway knows.

The simulator's layouts are tables of their own, not those of the gateway.
"""

import unittest

import vncdo
from gateway import Gateway
from places import scratch
from screen import ViewerScreen
from simulator import Simulator
from tigervnc import TigerVnc

# The value of `layout`, and the simulator's quirk for it.
LAYOUTS = {"us": "", "uk": "british", "de": "german", "fr": "french", "es": "spanish", "jp": "japanese"}

# XKB's name, where that is another one.
XKB = {"uk": "gb"}

# Each character is on a key with or without Shift, and on no third level of a key with a lower keycode: xdotool would
# press that one.
KEYED = {
    "us": r"""Zap "yes" {x_y}: 42% @ ~`\| <a>;'""",
    "uk": r"""Zap "yes" #x_y~: £42 @ ¬`; (a)?'""",
    "de": """Zwölf Boxkämpfer: "Yvonne" über ÄÖÜß (42%) #'+*-_;<>""",
    "fr": """Zoé a payé 42% où ça; à l'été! (w_x) *§ &"-""",
    "es": """Año "yz" (42%)? Ñoño! Çç º ·$&/= '+*-_;:""",
    "jp": """Zap "yes" {x_y}: 42% @ `^ <a>;' (b)=+*[&]""",
}

# Further characters of Latin-1 in the layout: on the third level and with dead keys. Left out are those that Windows and
# Linux, whose layouts the simulator has, put on different keys: the French ~ and ` and the Spanish ~, dead keys on one
# of them alone; the British vowels with acutes and ¦; the Japanese ¥.
FURTHER = {
    "us": "",
    "uk": "\\|€",
    "de": "° @{[]}\\~|²³µ é à ô Ê ^´`",
    "fr": "$£µ<>° @#{[]}\\|^¤ ê ï Ô ù",
    "es": "¿¡ª<> @#{[]}\\|€¬ é à ô Ü ^´`¨",
    "jp": "\\|~",
}

# With the right Alt held: the key's X keycode, which is its scan code plus 8, and what it types.
ALT_GR = "108"
THIRD_LEVEL = {
    "de": ([24, 16, 19], "@{}"),
    "fr": ([12, 19, 26], "#@€"),
    "es": ([11, 12, 26], "@#€"),
    "uk": ([13], "€"),
}

# A dead key and a letter.
DEAD = {"de": ([21, 26], "é"), "fr": ([34, 32], "ô"), "es": ([48, 32], "ó")}

METHOD = "none"

simulator: Simulator
gateway: Gateway
screen: ViewerScreen


def setUpModule() -> None:
    global simulator, gateway, screen
    vms = [option for vm, quirk in LAYOUTS.items() for option in ("--vm", f"{vm}={quirk}")]
    simulator = unittest.enterModuleContext(Simulator("--no-clock", *vms))
    vm_keys = {vm: f'layout = "{vm}"\n' for vm in LAYOUTS}
    gateway = unittest.enterModuleContext(Gateway(simulator, [(vm, METHOD) for vm in LAYOUTS], vm_keys=vm_keys))
    screen = unittest.enterModuleContext(ViewerScreen())


class TigerVncViewer(unittest.TestCase):
    """It sends scan codes (QEMU's extended key events), so the viewer's and the guest's keyboards need the same layout."""

    def test_text_typed_with_the_guests_layout_arrives(self) -> None:
        for vm, text in KEYED.items():
            screen.set_layout(XKB.get(vm, vm))
            with self.subTest(vm), TigerVnc(screen, gateway.ports[vm, METHOD]) as viewer:
                viewer.shows(lambda vm=vm: simulator.picture(vm))
                viewer.type_line(text)
                simulator.has_typed(vm, f"{text}\n")

    def test_alt_gr_and_dead_keys_work_as_on_the_guests_layout(self) -> None:
        for vm in THIRD_LEVEL:
            screen.set_layout(XKB.get(vm, vm))
            with self.subTest(vm), TigerVnc(screen, gateway.ports[vm, METHOD]) as viewer:
                viewer.shows(lambda vm=vm: simulator.picture(vm))
                (third, typed), (dead, letter) = THIRD_LEVEL[vm], DEAD.get(vm, ([], ""))
                viewer.press(*(f"{ALT_GR}+{key}" for key in third), *map(str, dead), "Return")
                simulator.has_typed(vm, f"{typed}{letter}\n")


class Vncdotool(unittest.TestCase):
    """It sends keysyms, so the gateway has to find the keys of the guest's layout."""

    def test_characters_of_every_level_are_typed_as_they_are(self) -> None:
        for vm in LAYOUTS:
            with self.subTest(vm):
                text = KEYED[vm] + FURTHER[vm]
                # The gateway knows that the host takes scan codes only after the first update, hence the capture.
                seen = scratch("vncdotool") / "picture.png"
                ended = vncdo.visit(gateway.ports[vm, METHOD], "capture", seen, "type", text, "key", "enter")
                self.assertEqual(0, ended.returncode, ended.stderr)
                simulator.has_typed(vm, f"{text}\n")
