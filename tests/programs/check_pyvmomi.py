"""pyVmomi against the simulator: a script that prints one line for each check."""

import sys
import unittest

from places import ROOT, SIMULATOR
from program import Program

SCRIPT = ROOT / "tests" / "programs" / "pyvmomi_lists_and_tickets.py"


class PyVmomi(unittest.TestCase):
    def test_it_logs_in_lists_vms_and_acquires_tickets(self) -> None:
        with Program("pyvmomi", [sys.executable, SCRIPT], {"ESXI_SIM": str(SIMULATOR)}) as script:
            code = script.ended(120)
        self.assertEqual(0, code, script.stdout + script.stderr)
        self.assertIn("ok: a ticket names", script.stdout)
