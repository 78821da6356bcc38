"""TigerVNC's viewer with a VeNCrypt subtype, an authority to trust, a user name and a password."""

from pathlib import Path

from screen import ViewerScreen
from tigervnc import TigerVnc

# The title of the dialog about a certificate of an unknown authority.
UNKNOWN_AUTHORITY = "Unknown certificate issuer"


class EncryptedTigerVnc(TigerVnc):
    """`subtype` is X509None, X509Vnc or X509Plain."""

    def __init__(
        self, screen: ViewerScreen, port: int, subtype: str, authority: Path | None, user: str = "", password: str = ""
    ) -> None:
        super().__init__(screen, port)
        options = [f"-SecurityTypes={subtype}", *([f"-X509CA={authority}"] if authority else [])]
        self.argv = [*self.argv[:-1], *options, self.argv[-1]]
        # It reads the password of X509Vnc from there, too, but only if a name is set.
        if password:
            self.env |= {"VNC_USERNAME": user, "VNC_PASSWORD": password}

    def is_not_trusted(self) -> None:
        """Waits until it asks whether to trust an unknown authority, and answers no."""
        question = self.screen.titled(UNKNOWN_AUTHORITY)
        self.screen.run("xdotool", "windowfocus", "--sync", question, "key", "Escape")
