"""The documentation: its relative links are valid, and the picture of the demo can be made again."""

import os
import re
import subprocess
import unittest
from pathlib import Path

import picture
from places import MKSGATE, ROOT, free_ports, scratch
from waiting import DEADLINE

BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?![a-z]+:)([^)#\s]*)(?:#([^)\s]*))?\)")
HEADING = re.compile(r"^#+ +(.*)$", re.MULTILINE)

# How many VMs the demo has.
VMS = 3


class Links(unittest.TestCase):
    def test_each_relative_link_leads_to_a_file_and_a_heading(self) -> None:
        for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
            for path, heading in LINK.findall(BLOCK.sub("", page.read_text())):
                target = page.parent / path if path else page
                with self.subTest(f"{page.relative_to(ROOT)}: {path}#{heading}"):
                    self.assertTrue(target.exists())
                    self.assertTrue(not heading or heading in _anchors(target))

    def test_readme_has_at_most_150_lines(self) -> None:
        self.assertLessEqual(len((ROOT / "README.md").read_text().splitlines()), 150)


class Picture(unittest.TestCase):
    def test_the_script_makes_the_picture(self) -> None:
        made = scratch("picture") / "demo.png"
        env = {**os.environ, "MKSGATE": str(MKSGATE), "PORT": str(free_ports(VMS))}
        argv = [ROOT / "docs/pictures/make", made]
        subprocess.run(argv, env=env, check=True, capture_output=True, timeout=6 * DEADLINE)
        kept = picture.read(ROOT / "docs/pictures/demo.png")
        again = picture.read(made)
        self.assertEqual(kept.size, again.size)
        # The colour bars of the first VM are the same in both; the clock and the ports are not.
        bars = (30, 280, 800, 480)
        self.assertEqual("", picture.difference(kept.crop(bars), again.crop(bars)))


def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings."""
    headings = HEADING.findall(BLOCK.sub("", page.read_text()))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
