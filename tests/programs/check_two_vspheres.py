"""Two vSpheres in one configuration: both up, and one of them down."""

import json
import socket
import subprocess
import unittest
from pathlib import Path

from connecting import environment
from places import MKSGATE, scratch
from simulator import Simulator
from waiting import DEADLINE

lab: Simulator
prod: Simulator


def setUpModule() -> None:
    global lab, prod
    lab = unittest.enterModuleContext(Simulator("--vm", "web", "--vm", "db", "--off", "old"))
    prod = unittest.enterModuleContext(Simulator("--vm", "web", "--vm", "mail"))


class TwoVSpheres(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = scratch("two-vspheres")

    def configure(self, lab_address: str, prod_address: str, more: str = "") -> None:
        text = ""
        for name, simulator, address in [("lab", lab, lab_address), ("prod", prod, prod_address)]:
            secret = self.folder / f"{name}.password"
            secret.write_text(simulator.password)
            secret.chmod(0o600)
            text += f'[vsphere.{name}]\naddress = "{address}"\nusername = "{simulator.username}"\n'
            text += f'password_file = "{secret.name}"\ntrust = "sha256:{simulator.sha256}"\n'
        consoles = [("lab", "web"), ("lab", "old"), ("prod", "mail")]
        for port, (vsphere, vm) in enumerate(consoles, 5901):
            text += f'[[console]]\nport = {port}\nvsphere = "{vsphere}"\nvm = "{vm}"\n'
        (self.folder / "gateway.toml").write_text(text + more)

    def run_command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        argv = [str(MKSGATE), "--config", "gateway.toml", *arguments]
        env = {name: value for name, value in environment(lab).items() if not name.startswith("GOVC_")}
        return subprocess.run(argv, env=env, cwd=self.folder, capture_output=True, text=True, timeout=DEADLINE)

    def pictures(self, folder: str) -> list[str]:
        return sorted(path.name for path in Path(self.folder / folder).iterdir())

    def test_with_both_up_every_vm_has_a_file_and_every_console_is_in_order(self) -> None:
        self.configure(lab.address, prod.address)
        done = self.run_command("screenshot", "--all", "-d", "all")
        self.assertEqual((0, "4 screenshots are in all\n"), (done.returncode, done.stderr))
        self.assertEqual(["lab-db.png", "lab-web.png", "prod-mail.png", "prod-web.png"], self.pictures("all"))
        done = self.run_command("check", "--json")
        self.assertEqual((0, ""), (done.returncode, done.stderr), done.stdout)
        states = [console["state"] for console in json.loads(done.stdout)["consoles"]]
        self.assertEqual(["ready", "not-running", "ready"], states)

    def test_with_one_down_the_other_is_shown_and_the_one_that_is_down_named(self) -> None:
        with socket.socket() as bound:
            # Bound and not listening: connections are refused.
            bound.bind(("127.0.0.1", 0))
            address = "127.0.0.1:%d" % bound.getsockname()[1]
            self.configure(address, prod.address)
            named = f"mksgate: vSphere lab: {address} "
            done = self.run_command("vms", "--json")
            self.assertEqual(1, done.returncode)
            self.assertEqual({"web", "mail"}, {vm["name"] for vm in json.loads(done.stdout)})
            error = json.loads(done.stderr)
            self.assertEqual(("lab", "vsphere-unreachable"), (error["vsphere"], error["error"]))
            self.assertTrue(error["message"].startswith(f"{address} "), error)
            done = self.run_command("screenshot", "--all", "-d", "one")
            self.assertEqual(1, done.returncode)
            self.assertEqual(["prod-mail.png", "prod-web.png"], self.pictures("one"))
            self.assertTrue(done.stderr.startswith(named), done.stderr)
            done = self.run_command("connect", "mail", "--", "sh", "-c", "echo ${GOVC_PASSWORD-none}; exit 3")
            self.assertEqual((3, "none\n"), (done.returncode, done.stdout), done.stderr)
            self.assertTrue(done.stderr.startswith(named), done.stderr)
            done = self.run_command("check", "--json")
            self.assertEqual((1, ""), (done.returncode, done.stderr))
            answer = json.loads(done.stdout)
            self.assertEqual(["failed", "failed", "ready"], [console["state"] for console in answer["consoles"]])
            self.assertEqual(["vsphere", "console", "console"], [problem["kind"] for problem in answer["problems"]])

