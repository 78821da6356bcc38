"""Prompts, colours, tables and spinners on a terminal, completions and manual pages."""

import os
import re
import signal
import subprocess
import unittest
from pathlib import Path
from threading import Timer

import terminal
from connecting import environment, mksgate
from places import MKSGATE, scratch
from simulator import Simulator
from waiting import DEADLINE

# The prompt after a wrong password.
AGAIN = "refuses the password of root. Password: "

ESCAPE = "\x1b"

# The escape sequence that sets colours, bold and faint (ECMA-48, SGR).
COLOUR = re.compile(re.escape(ESCAPE) + r"\[[\d;]*m")

# Seconds between two frames of the spinner (TICK in spinner.rs).
SPINNER_TICK = 0.1

# A completion gives up after two seconds, which may be too short on a busy machine.
TRIES = 5

simulator: Simulator


def setUpModule() -> None:
    global simulator
    simulator = unittest.enterModuleContext(
        Simulator("--vm", "web01", "--vm", "a machine with a name that is long", "--off", "old03")
    )


class Prompts(unittest.TestCase):
    def test_a_missing_password_is_prompted_for_and_not_echoed(self) -> None:
        asked = [(f"Password of root at {simulator.address}: ", simulator.password)]
        for words in (["vms"], ["probe", "web01"], ["connect", "web01", "--", "echo", "web01"]):
            with self.subTest(words[0]):
                env = environment(simulator) | {"GOVC_PASSWORD": ""}
                code, said = terminal.converse_in_turn([str(MKSGATE), *words], asked, env)
                # On a line of its own: the spinner was cleared.
                self.assertRegex(said, rf"(^|\x1b\[2K){re.escape(asked[0][0])}")
                self.assertEqual(0, code, said)
                self.assertIn("web01", said)
                self.assertNotIn(simulator.password, said)

    def test_a_wrong_password_is_prompted_for_again_up_to_three_times(self) -> None:
        wrong = {"GOVC_PASSWORD": "wrong"}
        code, said = self._vms(wrong, [(AGAIN, "wrong too"), (AGAIN, simulator.password)])
        self.assertEqual(0, code, said)
        self.assertIn("web01", said)
        code, said = self._vms(wrong, [(AGAIN, "wrong too")] * 3)
        self.assertEqual(3, code, said)
        self.assertRegex(said, r"refuses the user name or the password of root: correct them\r\n$")
        self.assertEqual(3, said.count(AGAIN))

    def test_a_password_that_the_configuration_leaves_out_is_prompted_for(self) -> None:
        folder = scratch("configuration")
        text = f'[vsphere.lab]\naddress = "{simulator.address}"\nusername = "root"\ntrust = "sha256:{simulator.sha256}"\n'
        (folder / "gateway.toml").write_text(text + '[[console]]\nport = 5901\nvsphere = "lab"\nvm = "web01"\n')
        argv = [str(MKSGATE), "--config", str(folder / "gateway.toml"), "vms"]
        asked = [(f"Password of root at {simulator.address}: ", simulator.password)]
        code, said = terminal.converse_in_turn(argv, asked, environment(simulator))
        self.assertEqual(0, code, said)
        self.assertRegex(said, r"web01 +poweredOn +5901")
        # Without a terminal and a session that is an error; the daemon never asks.
        for command in ["vms", "serve"]:
            env = environment(simulator)
            ended = subprocess.run([*argv[:-1], command], env=env, capture_output=True, text=True, timeout=DEADLINE)
            self.assertEqual(2, ended.returncode)
            self.assertRegex(ended.stderr, "^mksgate: .*this vSphere has no password: add password_file or password_env\n$")

    def test_the_terminal_is_restored_when_a_prompt_is_interrupted(self) -> None:
        asked = f"Password of root at {simulator.address}: ", {"GOVC_PASSWORD": ""}
        first, probed, opened = [(words, *asked) for words in (["vms"], ["probe", "web01"], ["connect", "web01", "--proxy-only"])]
        again = ["vms"], AGAIN, {"GOVC_PASSWORD": "wrong"}
        hashed = ["passwd", "ada"], "Password for ada: ", {}
        ctrl_c = lambda ours, pid: os.write(ours, b"\x03")
        for name, ways, end, code in [
            ("Ctrl-C", [first, probed, opened, again, hashed], ctrl_c, 130),
            ("SIGINT", [first, again, hashed], lambda ours, pid: os.kill(pid, signal.SIGINT), 130),
            ("SIGTERM", [first, again, hashed], lambda ours, pid: os.kill(pid, signal.SIGTERM), 143),
        ]:
            for arguments, question, env in ways:
                with self.subTest(name, question=question):
                    argv = [str(MKSGATE), *arguments]
                    ended = terminal.broken_off(argv, question, end, environment(simulator) | env)
                    self.assertEqual((code, True), ended)

    def _vms(self, env: dict[str, str], answers: list[tuple[str, str]]) -> tuple[int, str]:
        return terminal.converse_in_turn([str(MKSGATE), "vms"], answers, environment(simulator) | env)


class Output(unittest.TestCase):
    def test_colours_are_used_on_terminals_and_without_no_color(self) -> None:
        green = re.compile(re.escape(ESCAPE) + r"\[32mok")
        self.assertRegex(self._probe({}), green)
        for env in [{"NO_COLOR": "1"}, {"TERM": "dumb"}]:
            self.assertNotRegex(self._probe(env), COLOUR)
        self.assertNotIn(ESCAPE, mksgate(simulator, "probe", "web01").stdout.decode())

    def test_what_fails_is_red(self) -> None:
        red = re.compile(re.escape(ESCAPE) + r"\[31m(\x1b\[1m)?FAILED")
        self.assertRegex(self._probe({}, "old03", 5), red)
        self.assertNotRegex(self._probe({"NO_COLOR": "1"}, "old03", 5), COLOUR)

    def test_the_log_has_colours_likewise(self) -> None:
        level = re.compile(COLOUR.pattern + r" *INFO")
        self.assertRegex(self._log({}), level)
        for env in [{"NO_COLOR": "1"}, {"TERM": "dumb"}]:
            self.assertNotRegex(self._log(env), COLOUR)
        self.assertNotIn(ESCAPE, mksgate(simulator, "vms", "--verbose").stderr.decode())

    def test_there_is_no_spinner_beside_the_log(self) -> None:
        for env, arguments in [({}, ["vms", "--verbose"]), ({"MKSGATE_LOG": "info"}, ["vms"])]:
            said = self._run(arguments, env)
            self.assertRegex(said, "INFO.* logged in")
            self.assertNotIn("logging in", said)
            self.assertNotIn("listing VMs", said)

    def test_a_spinner_names_the_step(self) -> None:
        # The host answers only after the spinner was seen; otherwise the command might end before the spinner is drawn.
        simulator.pause()
        self.addCleanup(simulator.resume)
        argv = [str(MKSGATE), "vms"]
        code, said = terminal.when_seen(argv, "logging in", simulator.resume, environment(simulator))
        self.assertEqual(0, code, said)
        self.assertIn("web01", said)

    def test_there_is_no_spinner_with_quiet_or_without_a_terminal(self) -> None:
        for show in (lambda: self._on_terminal(["vms", "--quiet"]), lambda: mksgate(simulator, "vms").stderr.decode()):
            # Long enough for several frames of a spinner.
            simulator.pause()
            Timer(10 * SPINNER_TICK, simulator.resume).start()
            self.assertNotIn("logging in", show())

    def test_a_table_fits_the_terminal(self) -> None:
        for columns in [60, 130, 250]:
            said = self._on_terminal(["vms", "--quiet"], columns)
            rows = said.splitlines()
            self.assertEqual(4, len(rows), said)
            self.assertLessEqual(max(map(len, rows)), columns)
            self.assertEqual(columns < 100, "…" in said, said)
            self.assertEqual(columns > 200, "INSTANCE UUID" in said, said)

    def test_a_picture_is_not_written_to_a_terminal(self) -> None:
        code, said = terminal.converse([str(MKSGATE), "screenshot", "web01", "-o", "-"], {}, environment(simulator))
        self.assertEqual(2, code, said)
        self.assertIn("standard output is a terminal: write the name of a file", said)
        self.assertNotIn("PNG", said)
        self.assertEqual(b"\x89PNG", mksgate(simulator, "screenshot", "web01", "-o", "-").stdout[:4])

    def _probe(self, env: dict[str, str], vm: str = "web01", code: int = 0) -> str:
        return self._run(["probe", vm], env, code)

    def _log(self, env: dict[str, str]) -> str:
        # The answer has no colours: all colours are those of the log.
        return self._run(["vms", "--verbose"], env)

    def _run(self, arguments: list[str], env: dict[str, str], expected: int = 0) -> str:
        code, said = terminal.converse([str(MKSGATE), *arguments], {}, environment(simulator) | {"TERM": "xterm"} | env)
        self.assertEqual(expected, code, said)
        return said

    def _on_terminal(self, arguments: list[str], columns: int = 80) -> str:
        code, said = terminal.converse([str(MKSGATE), *arguments], {}, environment(simulator), columns)
        self.assertEqual(0, code, said)
        return said


class Shells(unittest.TestCase):
    """Each completes the name of a VM from its first letters."""

    def test_bash_completes_names_of_vms(self) -> None:
        script = """
            source <(mksgate completions bash)
            COMP_WORDS=(mksgate connect we) COMP_CWORD=2 COMP_TYPE=9
            _clap_complete_mksgate mksgate we connect
            printf '%s\\n' "${COMPREPLY[@]}"
        """
        self.assertEqual(["web01"], self._completes("bash", "--norc", "-c", script))

    def test_fish_completes_names_of_vms(self) -> None:
        script = "mksgate completions fish | source; complete -C 'mksgate probe we'"
        self.assertRegex(self._completes("fish", "--no-config", "-c", script)[0], r"^web01\b")

    def test_zsh_completes_names_of_vms(self) -> None:
        # Without a line editor zsh has no completion system, so its functions are replaced here.
        script = """
            compdef() { :; }; _describe() { print -l -- ${(P)4:-} ${(P)2:-} ${(P)3:-} $@ }
            source <(mksgate completions zsh)
            words=(mksgate screenshot we); CURRENT=3
            _clap_dynamic_completer_mksgate
        """
        self.assertRegex("\n".join(self._completes("zsh", "-f", "-c", script)), r"(?m)^web01\b")

    def _run(self, *argv: str) -> list[str]:
        env = environment(simulator)
        env |= {"PATH": f"{MKSGATE.parent}{os.pathsep}{env['PATH']}", "HOME": str(scratch("home"))}
        folder = scratch("shell")
        ended = subprocess.run(argv, env=env, cwd=folder, capture_output=True, text=True, timeout=DEADLINE)
        self.assertEqual((0, ""), (ended.returncode, ended.stderr))
        return ended.stdout.splitlines()

    def _completes(self, *argv: str) -> list[str]:
        """Likewise; tries again if the completion gave up."""
        for _ in range(TRIES):
            lines = self._run(*argv)
            if any("web01" in line for line in lines):
                break
        return lines


class Manual(unittest.TestCase):
    def test_man_and_mandoc_show_its_pages_without_warnings(self) -> None:
        folder: Path = scratch("man")
        self.assertEqual(0, mksgate(simulator, "man", "-d", folder).returncode)
        pages = sorted(folder.glob("*.1"))
        self.assertGreaterEqual(len(pages), 12)
        for page in pages:
            argv = ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", str(page)]
            ended = subprocess.run(argv, env={**os.environ, "MANWIDTH": "100"}, capture_output=True, text=True, timeout=DEADLINE)
            self.assertEqual((0, ""), (ended.returncode, ended.stderr), page)
            shown = re.sub(r"\x1b\[[0-9;]*m|.\x08", "", ended.stdout)
            for section in ("SYNOPSIS", "EXIT STATUS", "EXAMPLES"):
                self.assertIn(f"\n{section}\n", shown, page)
            argv = ["mandoc", "-T", "lint", "-W", "warning", str(page)]
            ended = subprocess.run(argv, capture_output=True, text=True, timeout=DEADLINE)
            self.assertEqual((0, ""), (ended.returncode, ended.stdout), page)
