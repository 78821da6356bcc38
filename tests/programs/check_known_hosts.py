"""What client commands keep in the user's own files: pinned certificates, and the session."""

import json
import os
import stat
import subprocess
import unittest
from contextlib import ExitStack
from pathlib import Path

import terminal
from places import MKSGATE, free_ports, scratch
from recording_proxy import RecordingProxy
from simulator import Simulator
from waiting import DEADLINE


class User:
    """Somebody with a home, who works with one simulated host."""

    def __init__(self, host: Simulator | RecordingProxy, password: str = "", **variables: str) -> None:
        self.home = scratch("home")
        self.env = {name: value for name, value in os.environ.items() if not name.startswith(("GOVC_", "XDG_", "MKSGATE_"))}
        self.env |= {"HOME": str(self.home), "GOVC_URL": host.address, "GOVC_USERNAME": host.username, "TERM": "xterm"}
        self.env |= {"GOVC_PASSWORD": password or host.password} | variables
        self.question = f"Password of {host.username} at {host.address}: "

    def run(self, *words: str, umask: int = 0o022) -> subprocess.CompletedProcess[str]:
        where = {"env": self.env, "cwd": scratch("command"), "umask": umask, "timeout": DEADLINE}
        return subprocess.run([str(MKSGATE), *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, **where)

    def asked(self, *words: str, answers: list[tuple[str, str]]) -> tuple[int, str]:
        """Likewise, on a terminal."""
        return terminal.converse_in_turn([str(MKSGATE), *words], answers, self.env)

    def sessions(self) -> list[Path]:
        return sorted(self.home.glob(".cache/mksgate/session-*.json"))

    @property
    def known_hosts(self) -> Path:
        return self.home / ".config/mksgate/known_hosts.toml"


class Host(unittest.TestCase):
    simulator: Simulator

    def setUp(self) -> None:
        self.simulator = self.enterContext(Simulator("--vm", "web01"))

    def assertRan(self, ended: subprocess.CompletedProcess[str], code: int = 0) -> str:
        self.assertEqual(code, ended.returncode, ended.stdout + ended.stderr)
        return ended.stdout + ended.stderr


class Sessions(Host):
    def _user(self, **variables: str) -> User:
        return User(self.simulator, GOVC_INSECURE="1", **variables)

    def test_one_prompt_then_none_until_the_session_ends(self) -> None:
        user = self._user()
        user.env["GOVC_PASSWORD"] = ""
        asked = [(user.question, self.simulator.password)]
        for answers in [asked, [], [], "expire", asked, []]:
            if answers == "expire":
                self.simulator.expire_sessions()
                continue
            code, said = user.asked("vms", answers=list(answers))
            self.assertEqual(0, code, said)
            self.assertIn("web01", said)
            self.assertEqual(bool(answers), user.question in said, said)
        counts = self.simulator.counts()
        self.assertEqual((2, 0, 0), tuple(counts[name] for name in ["logins", "logins_refused", "logouts"]))

    def test_without_a_terminal_a_session_is_enough_and_a_missing_password_is_named(self) -> None:
        user = self._user()
        self.assertRan(user.run("vms"))
        del user.env["GOVC_PASSWORD"]
        self.assertIn("web01", self.assertRan(user.run("vms")))
        self.simulator.expire_sessions()
        said = self.assertRan(user.run("vms"), 2)
        self.assertRegex(said, "^mksgate: GOVC_PASSWORD is not set: set it, or put it into GOVC_URL\n$")
        self.assertEqual([], user.sessions())

    def test_every_client_command_uses_it(self) -> None:
        user = self._user()
        self.assertRan(user.run("vms"))
        user.env["GOVC_PASSWORD"] = "not the password"
        picture = str(scratch("picture") / "web01.png")
        for words in [
            ["vms", "--json"],
            ["probe", "web01"],
            ["screenshot", "web01", "-o", picture],
            ["type", "web01", "a"],
            ["keys", "web01", "f2"],
            ["connect", "web01", "--", "true"],
        ]:
            with self.subTest(words[0]):
                self.assertRan(user.run(*words))
        counts = self.simulator.counts()
        self.assertEqual((1, 0, 0, 1), tuple(counts[n] for n in ["logins", "logins_refused", "logouts", "sessions_open"]))

    def test_no_cache_logs_in_and_out_and_leaves_nothing(self) -> None:
        user = self._user()
        for _ in range(2):
            self.assertRan(user.run("vms", "--no-cache"))
        counts = self.simulator.counts()
        self.assertEqual((2, 2, 0), (counts["logins"], counts["logouts"], counts["sessions_open"]))
        self.assertEqual([], user.sessions())
        # Nor is a kept one used.
        self.assertRan(user.run("vms"))
        user.env["GOVC_PASSWORD"] = "not the password"
        self.assertIn("refuses the user name or the password", self.assertRan(user.run("vms", "--no-cache"), 3))

    def test_files_are_for_the_owner_whatever_the_umask(self) -> None:
        for umask in [0o000, 0o077]:
            with self.subTest(umask=oct(umask)):
                user = self._user()
                self.assertRan(user.run("vms", umask=umask))
                self.assertRan(user.run("trust", self.simulator.address, "--save", umask=umask))
                [session] = user.sessions()
                for file in [session, user.known_hosts]:
                    self.assertEqual((0o600, 0o700), (_mode(file), _mode(file.parent)), file)
                    self.assertEqual([file], list(file.parent.iterdir()))

    def test_xdg_folders_are_used(self) -> None:
        cache, config = scratch("cache"), scratch("config")
        user = self._user(XDG_CACHE_HOME=str(cache), XDG_CONFIG_HOME=str(config))
        self.assertRan(user.run("vms"))
        self.assertRan(user.run("trust", self.simulator.address, "--save"))
        self.assertEqual(1, len(list(cache.glob("mksgate/session-*.json"))))
        self.assertTrue((config / "mksgate/known_hosts.toml").is_file())
        self.assertEqual([], list(user.home.iterdir()))

    def test_what_others_may_write_or_read_is_not_used(self) -> None:
        user = self._user()
        self.assertRan(user.run("vms"))
        [session] = user.sessions()
        for path, mode, expected in [
            (session, 0o622, f"others may write {session}: chmod go-w {session}"),
            (session, 0o644, f"others may read {session}: remove it"),
            (session.parent, 0o770, f"others may write {session.parent}: chmod go-w {session.parent}"),
        ]:
            before = _mode(path)
            path.chmod(mode)
            said = self.assertRan(user.run("vms"))
            self.assertIn(f"mksgate: the session is not kept, since {expected}\n", said)
            path.chmod(before)
        self.assertEqual((4, 3), tuple(self.simulator.counts()[name] for name in ["logins", "logouts"]))

    def test_the_cookie_is_only_sent_to_the_address_it_came_from_and_is_in_no_log(self) -> None:
        user = self._user(MKSGATE_LOG="trace")
        said = self.assertRan(user.run("vms"))
        [session] = user.sessions()
        entry = json.loads(session.read_text())
        cookie = entry["cookie"].partition("=")[2].strip('"')
        self.assertEqual((f"https://{self.simulator.address}/sdk", "root"), (entry["url"], entry["username"]))
        said += self.assertRan(user.run("vms"))
        self.assertIn("TRACE", said)
        self.assertNotIn(cookie, said)
        with RecordingProxy(self.simulator) as other:
            for changed in [{"GOVC_URL": other.address}, {"MKSGATE_TRUST": f"sha256:{self.simulator.sha256}"}, {"GOVC_USERNAME": "x"}]:
                before, env = self.simulator.counts(), dict(user.env)
                user.env |= changed
                user.run("vms")
                after = self.simulator.counts()
                tried = [after[name] - before[name] for name in ["logins", "logins_refused"]]
                self.assertEqual(1, sum(tried), f"{changed}: a login of its own")
                user.env = env
            self.assertNotIn(cookie, other.cookies())


class SessionsOfAConfiguration(Host):
    """A file that may omit passwords. GOVC_* are not set."""

    def setUp(self) -> None:
        super().setUp()
        self.user = User(self.simulator)
        for name in ["GOVC_URL", "GOVC_USERNAME", "GOVC_PASSWORD"]:
            del self.user.env[name]

    def _counts(self, simulator: Simulator | None = None) -> tuple[int, int, int]:
        counts = (simulator or self.simulator).counts()
        return counts["logins"], counts["logins_refused"], counts["logouts"]

    def test_one_prompt_then_none_until_the_session_ends(self) -> None:
        file = configuration({"lab": self.simulator})
        asked = [(self.user.question, self.simulator.password)]
        for answers in [asked, [], [], "expire", asked, []]:
            if answers == "expire":
                self.simulator.expire_sessions()
                continue
            code, said = self.user.asked("--config", file, "vms", answers=list(answers))
            self.assertEqual(0, code, said)
            self.assertRegex(said, "web01 +poweredOn +5901")
            self.assertEqual(len(answers), said.count("Password"), said)
        self.assertEqual((2, 0, 0), self._counts())
        [session] = self.user.sessions()
        self.assertEqual((0o600, 0o700), (_mode(session), _mode(session.parent)))

    def test_every_client_command_asks_for_the_password_or_uses_the_session(self) -> None:
        file = configuration({"lab": self.simulator})
        picture = str(scratch("picture") / "web01.png")
        asked = [(self.user.question, self.simulator.password)]
        for words in [
            ["vms", "--json"],
            ["probe", "web01"],
            ["screenshot", "web01", "-o", picture],
            ["screenshot", "--all", "-d", str(scratch("pictures"))],
            ["type", "web01", "a"],
            ["keys", "web01", "f2"],
            ["connect", "web01", "--", "true"],
        ]:
            for answers in [asked, []]:
                with self.subTest(words[0], answers=answers):
                    code, said = self.user.asked("--config", file, *words, answers=list(answers))
                    self.assertEqual((0, len(answers)), (code, said.count("Password")), said)
            self.simulator.expire_sessions()
        self.assertEqual((7, 0, 0), self._counts())

    def test_no_cache_asks_each_time_and_leaves_nothing(self) -> None:
        file = configuration({"lab": self.simulator})
        for _ in range(2):
            asked = [(self.user.question, self.simulator.password)]
            code, said = self.user.asked("--config", file, "vms", "--no-cache", answers=asked)
            self.assertEqual((0, 1), (code, said.count("Password")), said)
        self.assertEqual(((2, 0, 2), []), (self._counts(), self.user.sessions()))

    def test_a_password_of_the_file_is_used_only_without_a_session(self) -> None:
        file = configuration({"lab": self.simulator}, 'password_env = "LAB"')
        self.user.env["LAB"] = self.simulator.password
        self.assertRan(self.user.run("--config", file, "vms"))
        self.user.env["LAB"] = "not the password"
        self.assertIn("web01", self.assertRan(self.user.run("--config", file, "vms")))
        self.assertEqual((1, 0, 0), self._counts())
        self.assertRan(self.user.run("--config", file, "vms", "--no-cache"), 3)

    def test_each_of_two_vspheres_is_asked_for_once_and_only_the_one_whose_session_ended(self) -> None:
        prod = self.enterContext(Simulator("--vm", "mail"))
        file = configuration({"lab": self.simulator, "prod": prod})
        lab_asked = (self.user.question, self.simulator.password)
        prod_asked = (f"Password of root at {prod.address}: ", prod.password)
        for answers in [[lab_asked, prod_asked], [], "expire", [prod_asked], []]:
            if answers == "expire":
                prod.expire_sessions()
                continue
            code, said = self.user.asked("--config", file, "vms", answers=list(answers))
            self.assertEqual((0, len(answers)), (code, said.count("Password")), said)
            self.assertRegex(said, r"(?s)mail.*web01")
        # The other vSphere's password is not asked for.
        self.simulator.expire_sessions()
        code, said = self.user.asked("--config", file, "vms", "--vsphere", "prod", answers=[])
        self.assertEqual((0, 0), (code, said.count("Password")), said)
        self.assertEqual(((1, 0, 0), (2, 0, 0)), (self._counts(), self._counts(prod)))

    def test_a_mistake_in_the_file_is_shown_before_a_prompt(self) -> None:
        for mistake, expected in [("max_consoles = true", r"gateway\.toml:5:"), ('trust = "x"', "unknown trust")]:
            with self.subTest(mistake):
                file = configuration({"lab": self.simulator}, mistake)
                code, said = self.user.asked("--config", file, "vms", answers=[])
                self.assertEqual((2, 0), (code, said.count("Password")), said)
                self.assertRegex(said, expected)

    def test_a_vsphere_that_is_down_or_not_trusted_is_named_without_a_prompt(self) -> None:
        file = Path(configuration({"lab": self.simulator}))
        text = file.read_text()
        for word, other, code in [
            (self.simulator.address, f"127.0.0.1:{free_ports()}", 6),
            (self.simulator.sha256, "ab" * 32, 7),
        ]:
            file.write_text(text.replace(word, other))
            ended, said = self.user.asked("--config", str(file), "vms", answers=[])
            self.assertEqual((code, 0), (ended, said.count("Password")), said)
        self.assertEqual((0, 0, 0), self._counts())

    def test_without_a_terminal_a_session_is_enough_and_a_missing_password_has_its_line(self) -> None:
        file = configuration({"lab": self.simulator})
        missing = "this vSphere has no password: add password_file or password_env"
        self.assertEqual(f"mksgate: {file}:1:1: {missing}\n", self.assertRan(self.user.run("--config", file, "vms"), 2))
        code, said = self.user.asked("--config", file, "vms", answers=[(self.user.question, self.simulator.password)])
        self.assertEqual(0, code, said)
        self.assertIn("web01", self.assertRan(self.user.run("--config", file, "vms")))
        # The gateway and its check keep no session, use none and ask for nothing.
        for command in ["serve", "check"]:
            code, said = self.user.asked("--config", file, command, answers=[])
            self.assertEqual((2, 0), (code, said.count("Password")), said)
            self.assertIn(missing, said)


class KnownHosts(Host):
    def test_the_export_line_can_be_pasted_as_it_is(self) -> None:
        user = User(self.simulator)
        self.assertIn("is not trusted", self.assertRan(user.run("vms"), 7))
        shown = self.assertRan(user.run("trust", self.simulator.address))
        [line] = [line for line in shown.splitlines() if line.startswith("export ")]
        for shell in ["sh", "bash"]:
            script = f"{line}\n{MKSGATE} vms\n"
            where = {"env": user.env, "cwd": scratch("shell"), "timeout": DEADLINE}
            ended = subprocess.run([shell], input=script, capture_output=True, text=True, **where)
            self.assertIn("web01", self.assertRan(ended))

    def test_a_saved_pin_is_trusted_and_another_certificate_refused(self) -> None:
        port = free_ports()
        with ExitStack() as first:
            simulator = first.enter_context(Simulator("--vm", "web01", "--listen", f"127.0.0.1:{port}"))
            user = User(simulator)
            said = self.assertRan(user.run("trust", simulator.address, "--save"))
            self.assertIn(f"It is pinned now: {user.known_hosts}, line 2\n", said)
            self.assertIn("It was pinned before", self.assertRan(user.run("trust", simulator.address, "--save")))
            self.assertIn("web01", self.assertRan(user.run("vms")))
            pinned = simulator.sha256
        with Simulator("--vm", "web02", "--listen", f"127.0.0.1:{port}") as other:
            again = f"mksgate trust {other.address} --save --replace"
            for words in [["vms"], ["connect", "web02", "--proxy-only"], ["trust", other.address, "--save"]]:
                said = self.assertRan(user.run(*words), 7)
                place = f"{user.known_hosts}, line 2, pins another one\npinned: sha256:{pinned}\nnow:    sha256:{other.sha256}\n"
                self.assertIn(f"mksgate: the certificate of {other.address} has changed: {place}", said)
                for part in ["the certificate was renewed", "somebody is in between", f"`{again}`"]:
                    self.assertIn(part, said)
            self.assertEqual(0, other.counts()["logins"] + other.counts()["logins_refused"])
            # Whoever says whom to trust is believed first.
            user.env["GOVC_PASSWORD"] = other.password
            self.assertIn("web02", self.assertRan(self._with(user, GOVC_INSECURE="1").run("vms")))
            self.assertIn("web02", self.assertRan(self._with(user, MKSGATE_TRUST=f"sha256:{other.sha256}").run("vms")))
            user.env.pop("GOVC_INSECURE"), user.env.pop("MKSGATE_TRUST")
            self.assertRan(user.run(*again.split()[1:]))
            self.assertIn("web02", self.assertRan(user.run("vms")))
            self.assertNotIn(pinned, user.known_hosts.read_text())

    def test_a_pin_decides_where_a_configuration_says_no_trust(self) -> None:
        user = User(self.simulator)
        del user.env["GOVC_URL"]
        password = 'password_env = "GOVC_PASSWORD"'
        pinned = f'trust = "sha256:{self.simulator.sha256}"'
        silent, system, other, right = (
            configuration({"lab": self.simulator}, password, trust)
            for trust in ["", 'trust = "system"', f'trust = "sha256:{"ab" * 32}"', pinned]
        )
        self.assertIn("is not trusted", self.assertRan(user.run("--config", silent, "vms"), 7))
        self.assertRan(user.run("trust", self.simulator.address, "--save"))
        self.assertIn("web01", self.assertRan(user.run("--config", silent, "vms")))
        for file in [system, other]:
            self.assertRan(user.run("--config", file, "vms"), 7)
        # The gateway does not read a user's files: what it checks is what it serves.
        self.assertIn("is not trusted", self.assertRan(user.run("--config", silent, "check"), 1))
        # A pin of another certificate.
        user.known_hosts.write_text(f'"{self.simulator.address}" = "sha256:{"ab" * 32}"\n')
        said = self.assertRan(user.run("--config", silent, "vms", "--no-cache"), 7)
        changed = f"mksgate: the certificate of {self.simulator.address} has changed: {user.known_hosts}, line 1, pins another one"
        self.assertIn(changed, said)
        # Nor is it read where the file says whom to trust.
        user.known_hosts.write_text("esxi = 1\n")
        self.assertIn("web01", self.assertRan(user.run("--config", right, "vms")))
        self.assertIn("known_hosts.toml:1:8: ", self.assertRan(user.run("--config", silent, "vms"), 2))

    def test_known_hosts_that_others_may_write_or_nobody_can_read_stop_the_command(self) -> None:
        user = User(self.simulator)
        self.assertRan(user.run("trust", self.simulator.address, "--save"))
        user.known_hosts.chmod(0o666)
        said = self.assertRan(user.run("vms"), 2)
        self.assertEqual(f"mksgate: others may write {user.known_hosts}: chmod go-w {user.known_hosts}\n", said)
        user.known_hosts.chmod(0o600)
        user.known_hosts.write_text("esxi = 1\n")
        self.assertRegex(self.assertRan(user.run("vms"), 2), r"^mksgate: .*/known_hosts\.toml:1:8: ")
        self.assertEqual(0, self.simulator.counts()["logins"])

    def _with(self, user: User, **variables: str) -> User:
        user.env |= variables
        return user


class Authorities(Host):
    def test_ca_certs_as_govc_reads_them(self) -> None:
        folder = scratch("openssl")
        for name in ["ours", "theirs"]:
            _openssl(folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN=authority {name}", "-days", "2",
                     "-keyout", f"{name}.key", "-out", f"{name}.pem")
        _openssl(folder, "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=esxi", "-keyout", "host.key", "-out", "host.csr")
        (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
        _openssl(folder, "x509", "-req", "-in", "host.csr", "-CA", "ours.pem", "-CAkey", "ours.key", "-CAcreateserial",
                 "-days", "2", "-extfile", "names", "-out", "host.pem")
        ours, theirs = str(folder / "ours.pem"), str(folder / "theirs.pem")
        with RecordingProxy(self.simulator, (folder / "host.pem", folder / "host.key")) as host:
            for files in [ours, f"{theirs}:{ours}", f"{ours}:{theirs}"]:
                self.assertIn("web01", self.assertRan(User(host, GOVC_TLS_CA_CERTS=files).run("vms")))
            # Authorities that are named hold, whatever GOVC_INSECURE says.
            for more in [{}, {"GOVC_INSECURE": "1"}]:
                said = self.assertRan(User(host, GOVC_TLS_CA_CERTS=theirs, **more).run("vms"), 7)
                self.assertIn("is not trusted", said)
            said = self.assertRan(User(host, GOVC_TLS_CA_CERTS=f"{ours}:/nowhere.pem").run("vms"), 2)
            self.assertRegex(said, r"^mksgate: GOVC_TLS_CA_CERTS: .*/nowhere\.pem ")


def configuration(vspheres: dict[str, Simulator], more: str = "", trust: str | None = None) -> str:
    """The path of a file that trusts these hosts, unless `trust` is another line, and has no password, unless `more` is one."""
    file, text = scratch("configuration") / "gateway.toml", ""
    for name, host in vspheres.items():
        pinned = f'trust = "sha256:{host.sha256}"' if trust is None else trust
        text += f'[vsphere.{name}]\naddress = "{host.address}"\nusername = "{host.username}"\n'
        text += f"{pinned if not more.startswith('trust') else ''}\n{more}\n"
    first = next(iter(vspheres))
    file.write_text(text + f'[[console]]\nport = 5901\nvsphere = "{first}"\nvm = "web01"\n')
    return str(file)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _openssl(folder: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True, timeout=DEADLINE)
