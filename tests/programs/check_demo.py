"""`cargo run --release -- demo`: three simulated desktops behind three ports, as a newcomer tries it first."""

import unittest

import picture
import vncdo
from places import ROOT, free_ports
from program import Program

VMS = 3

# The colour bars alone are eight; a blank screen is one.
FEW = 8


class Demo(unittest.TestCase):
    def test_each_of_three_ports_shows_a_desktop_of_its_own_and_it_ends_when_told(self) -> None:
        first = free_ports(VMS)
        argv = ["cargo", "run", "--quiet", "--release", "--manifest-path", ROOT / "Cargo.toml"]
        with Program("demo", [*argv, "--", "demo", "--port", str(first)]) as demo:
            for port in range(first, first + VMS):
                demo.line(rf"\b{port}\b")
            screens = [vncdo.capture(port) for port in range(first, first + VMS)]
            self.assertEqual(0, demo.end())
        for screen in screens:
            self.assertGreaterEqual(picture.colours(screen), FEW)
        # The name of its VM is on each.
        self.assertEqual(VMS, len({screen.tobytes() for screen in screens}))
