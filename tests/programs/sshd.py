"""OpenSSH's server on loopback, for this user's own key; and a client that calls it `jump`."""

import getpass
import os
import subprocess
from pathlib import Path

from places import free_ports
from program import Program
from waiting import until


class Sshd(Program):
    """`client` is a folder with an `ssh` in it that knows the way; who logs in has `env`."""

    def __init__(self, env: dict[str, str]) -> None:
        port = free_ports()
        super().__init__("sshd", [])
        for key in ["host-key", "user-key"]:
            argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.folder / key)]
            subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
        # It wants this folder where it is root, empty, and does not make it.
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        variables = " ".join(f'"{name}={value}"' for name, value in env.items())
        lines = [f"Port {port}", "ListenAddress 127.0.0.1", f"HostKey {self.folder}/host-key", "UsePAM no"]
        lines += [f"AuthorizedKeysFile {self.folder}/user-key.pub", "StrictModes no", "PasswordAuthentication no"]
        lines += ["PermitRootLogin prohibit-password", f"PidFile {self.folder}/pid"]
        lines += [f"SetEnv {variables}"] if variables else []
        self._write("sshd_config", lines)
        self.argv = ["/usr/sbin/sshd", "-D", "-e", "-f", str(self.folder / "sshd_config")]
        known = f"[127.0.0.1]:{port} {(self.folder / 'host-key.pub').read_text()}"
        (self.folder / "known").write_text(known)
        lines = ["Host jump", "HostName 127.0.0.1", f"Port {port}", f"User {getpass.getuser()}", "BatchMode yes"]
        lines += [f"IdentityFile {self.folder}/user-key", f"UserKnownHostsFile {self.folder}/known"]
        self._write("ssh_config", lines)
        self.client = self.folder / "client"
        self.client.mkdir()
        script = self.client / "ssh"
        script.write_text(f'#!/bin/sh\nexec /usr/bin/ssh -F {self.folder}/ssh_config "$@"\n')
        script.chmod(0o755)

    def __enter__(self) -> "Sshd":
        super().__enter__()
        try:
            until("sshd to listen", lambda: "Server listening" in self.stderr)
        except BaseException:
            self.__exit__()
            raise
        return self

    def _write(self, name: str, lines: list[str]) -> None:
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text("\n".join(lines) + "\n")
