"""docs/install.md: its commands, with other folders in place of /usr/local and /etc; the unit for systemd."""

import os
import re
import shutil
import subprocess
import unittest
from pathlib import Path

from page import DOCS, Page
from places import MKSGATE, ROOT, scratch

UNIT = ROOT / "packaging" / "mksgate.service"
PASSWORD = "not on a command line"
# Of `systemd-analyze security`: 0 is the least exposure, 10 the most. In tenths.
MOST_EXPOSED = 20


class Install(unittest.TestCase):
    def test_the_commands_of_the_page_install_what_it_says(self) -> None:
        root = scratch("root")
        instead = {
            "target/dist/mksgate /usr": f"{MKSGATE} /usr",
            "cargo build --locked --profile dist --bins": "cargo --version",
            "/usr/local/": f"{root}/usr/local/",
            "/etc/": f"{root}/etc/",
        }
        page = Page(DOCS / "install.md", dict(os.environ), instead)
        shutil.copy(ROOT / "gateway.toml", page.folder)
        (page.folder / "packaging").mkdir()
        self._copy_unit(page.folder / "packaging" / UNIT.name, f"{root}/usr/local/bin/mksgate")
        self.assertRegex(page.run_on_terminal(0), r"mksgate \d+\.\d+")
        page.run_on_terminal(1)
        self.assertTrue((root / "usr/local/share/man/man1/mksgate-connect.1").is_file())
        self.assertIn("mksgate", (root / "usr/local/share/bash-completion/completions/mksgate").read_text())
        page.run_on_terminal(2, f"{PASSWORD}\n\x04")
        secret = root / "etc/mksgate/lab.password"
        self.assertEqual((PASSWORD + "\n", 0o600), (secret.read_text(), secret.stat().st_mode & 0o777))
        self.assertEqual("", page.run_on_terminal(3).strip())

    def _copy_unit(self, to: Path, program: str) -> None:
        """The unit with another program, since systemd looks whether that is there."""
        text = UNIT.read_text()
        self.assertIn("ExecStart=/usr/local/bin/mksgate ", text)
        to.write_text(text.replace("/usr/local/bin/mksgate", program))


class Unit(unittest.TestCase):
    def test_the_page_names_the_units_paths_and_secrets(self) -> None:
        text = (DOCS / "install.md").read_text()
        for setting in re.findall(r"^LoadCredential=(\S+):", UNIT.read_text(), re.MULTILINE):
            self.assertIn(f"$CREDENTIALS_DIRECTORY/{setting}", text)
        (program,) = re.findall(r"^ExecStart=(\S+) --config (\S+) serve$", UNIT.read_text(), re.MULTILINE)
        for path in program:
            self.assertIn(path, text)

    def test_systemd_rates_its_exposure_as_low(self) -> None:
        argv = ["systemd-analyze", "security", "--offline=yes", f"--threshold={MOST_EXPOSED}", UNIT]
        rated = subprocess.run(argv, capture_output=True, text=True)
        self.assertEqual(0, rated.returncode, rated.stdout + rated.stderr)
