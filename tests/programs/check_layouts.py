"""What somebody types is what the guest shows, for guests with a keyboard of each layout that the gateway knows.

The guests' keyboards are the simulator's, which knows nothing of the gateway's tables.
"""

import unittest

import vncdo
from gateway import Gateway
from places import scratch
from screen import ViewerScreen
from simulator import Simulator
from tigervnc import TigerVnc

# Of the guest, as mksgate calls it, with the simulator's quirk for it.
LAYOUTS = {"us": "", "uk": "british", "de": "german", "fr": "french", "es": "spanish", "jp": "japanese"}

# As XKB calls it, where that is something else.
XKB = {"uk": "gb"}

# Each character has a key of its own, with Shift or without. None is on a further level of a key before it: xdotool
# would press that one.
KEYED = {
    "us": r"""Zap "yes" {x_y}: 42% @ ~`\| <a>;'""",
    "uk": r"""Zap "yes" #x_y~: £42 @ ¬`; (a)?'""",
    "de": """Zwölf Boxkämpfer: "Yvonne" über ÄÖÜß (42%) #'+*-_;<>""",
    "fr": """Zoé a payé 42% où ça; à l'été! (w_x) *§ &"-""",
    "es": """Año "yz" (42%)? Ñoño! Çç º ·$&/= '+*-_;:""",
    "jp": """Zap "yes" {x_y}: 42% @ `^ <a>;' (b)=+*[&]""",
}

# More of Latin-1 that the layout has: on further levels, with AltGr, and with dead keys. Left out is what Windows has
# elsewhere than Linux, whose layouts the simulator's guests have: the French ~ and ` and the Spanish ~, dead keys on one
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

WAY = "none"

simulator: Simulator
gateway: Gateway
screen: ViewerScreen


def setUpModule() -> None:
    global simulator, gateway, screen
    vms = [option for vm, quirk in LAYOUTS.items() for option in ("--vm", f"{vm}={quirk}")]
    simulator = unittest.enterModuleContext(Simulator("--no-clock", *vms))
    habits = {vm: f'layout = "{vm}"\n' for vm in LAYOUTS}
    gateway = unittest.enterModuleContext(Gateway(simulator, [(vm, WAY) for vm in LAYOUTS], "unused", habits))
    screen = unittest.enterModuleContext(ViewerScreen())


class TigerVncViewer(unittest.TestCase):
    """It says which key was pressed, wherever that is on whichever keyboard."""

    def test_text_typed_on_a_keyboard_like_the_guests_is_the_same_there(self) -> None:
        for vm, text in KEYED.items():
            screen.become_keyboard(XKB.get(vm, vm))
            with self.subTest(vm), TigerVnc(screen, gateway.ports[vm, WAY]) as viewer:
                viewer.shows(lambda vm=vm: simulator.picture(vm))
                viewer.type_line(text)
                simulator.has_typed(vm, f"{text}\n")

    def test_alt_gr_and_dead_keys_are_the_guests_own(self) -> None:
        for vm in THIRD_LEVEL:
            screen.become_keyboard(XKB.get(vm, vm))
            with self.subTest(vm), TigerVnc(screen, gateway.ports[vm, WAY]) as viewer:
                viewer.shows(lambda vm=vm: simulator.picture(vm))
                (third, typed), (dead, letter) = THIRD_LEVEL[vm], DEAD.get(vm, ([], ""))
                viewer.press(*(f"{ALT_GR}+{key}" for key in third), *map(str, dead), "Return")
                simulator.has_typed(vm, f"{typed}{letter}\n")


class Vncdotool(unittest.TestCase):
    """It sends characters and no keys, so the gateway has to find the keys on the guest's keyboard."""

    def test_characters_of_every_level_are_typed_as_they_are(self) -> None:
        for vm in LAYOUTS:
            with self.subTest(vm):
                text = KEYED[vm] + FURTHER[vm]
                # Only a host that has answered is known to take keys by their places.
                seen = scratch("vncdotool") / "picture.png"
                ended = vncdo.visit(gateway.ports[vm, WAY], "capture", seen, "type", text, "key", "enter")
                self.assertEqual(0, ended.returncode, ended.stderr)
                simulator.has_typed(vm, f"{text}\n")
