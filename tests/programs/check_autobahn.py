"""The framing, judged by the Autobahn|Testsuite: ws-proto's echo client against its fuzzing server."""

import json
import unittest

from places import TARGET, free_ports, scratch
from program import Program

# `autobahn/setup.sh` installs it here.
WSTEST = TARGET / "autobahn" / "wstest"

CLIENT = TARGET / "debug" / "examples" / "conformance_client"

# Framing, control frames, reserved bits, opcodes, fragments, closing, limits. Left out by name: 6 is UTF-8 in text
# messages, which no console sends; 12 and 13 are compression, which is never offered.
GROUPS = ["1.*", "2.*", "3.*", "4.*", "5.*", "7.*", "9.*", "10.*"]

# The number of cases in those groups, in this version of the suite.
CASES = 156

# NON-STRICT is allowed by RFC 6455; INFORMATIONAL is no verdict.
GOOD = {"OK", "NON-STRICT", "INFORMATIONAL"}

# Group 9 sends messages of up to 16 MiB.
SECONDS = 240


class Autobahn(unittest.TestCase):
    def test_all_156_cases_pass(self) -> None:
        folder = scratch("autobahn")
        port = free_ports()
        address = f"ws://127.0.0.1:{port}"
        cases = {"cases": GROUPS, "exclude-cases": [], "exclude-agent-cases": {}}
        (folder / "spec.json").write_text(json.dumps({"url": address, "outdir": str(folder), **cases}))
        argv = [WSTEST, "-m", "fuzzingserver", "-s", folder / "spec.json", "-u", "0"]
        with Program("wstest", argv) as server:
            server.wait_for_port(port)
            with Program("conformance_client", [CLIENT], {"WSTEST": address}) as client:
                self.assertEqual(0, client.ended(SECONDS), client.stderr)
        verdicts = json.loads((folder / "index.json").read_text())["ws-proto"]
        bad = {case: verdict for case, verdict in verdicts.items() if not _good(verdict)}
        self.assertEqual({}, bad)
        self.assertEqual(CASES, len(verdicts))


def _good(verdict: dict[str, str]) -> bool:
    return verdict["behavior"] in GOOD and verdict["behaviorClose"] in GOOD
