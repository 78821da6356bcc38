"""OpenSSH's server on loopback, with a key of its own, and a client configuration with the host `jump`."""

import getpass
import os
import subprocess
from pathlib import Path

from places import free_ports
from program import Program
from waiting import until


class Sshd(Program):
    """`client` is a folder with an `ssh` that uses the client configuration; `env` is set in each login."""

    def __init__(self, env: dict[str, str]) -> None:
        port = free_ports()
        super().__init__("sshd", [])
        for key in ["host-key", "user-key"]:
            argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.folder / key)]
            subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
        # As root it needs this folder, and does not create it.
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

    def wait_until_ready(self) -> None:
        until("sshd to listen", lambda: "Server listening" in self.stderr)

    def _write(self, name: str, lines: list[str]) -> None:
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text("\n".join(lines) + "\n")
