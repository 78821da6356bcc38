"""gvnccapture, the command line of gtk-vnc: one picture for each call."""

import os
import shutil
from pathlib import Path

from places import scratch
from terminal import converse
from visit import Visit

# gvnccapture takes a display number, which is the port minus this.
FIRST_PORT = 5900


def visit(port: int, answers: dict[str, str] | None = None, authority: Path | None = None) -> Visit:
    """Connects, answers its prompts, takes a picture and disconnects; `authority` is the one that it trusts."""
    folder = scratch("gvnccapture")
    env = {**os.environ, "LC_ALL": "C.UTF-8"}
    if authority:
        env |= home_with(authority, folder)
    file = folder / "picture.png"
    code, said = converse(["gvnccapture", f"127.0.0.1:{port - FIRST_PORT}", str(file)], answers or {}, env)
    return Visit("gvnccapture", code, said, file)


def home_with(authority: Path, folder: Path) -> dict[str, str]:
    """It looks for authorities in the home folder of the passwd database, not in $HOME, so nss_wrapper replaces that."""
    (folder / ".pki" / "CA").mkdir(parents=True)
    shutil.copy(authority, folder / ".pki" / "CA" / "cacert.pem")
    users, groups = folder / "users", folder / "groups"
    users.write_text(f"viewer:x:{os.getuid()}:{os.getgid()}:viewer:{folder}:/bin/sh\n")
    groups.write_text(f"viewer:x:{os.getgid()}:\n")
    wrapper = {"NSS_WRAPPER_PASSWD": str(users), "NSS_WRAPPER_GROUP": str(groups)}
    return {"LD_PRELOAD": "libnss_wrapper.so", **wrapper}
