"""TigerVNC's viewer, told to encrypt: which kind of VeNCrypt, whom to believe, and who it is."""

from pathlib import Path

from screen import ViewerScreen
from tigervnc import TigerVnc

# The title of the question that it asks about a certificate whose authority it does not know.
UNKNOWN_AUTHORITY = "Unknown certificate issuer"


class EncryptedTigerVnc(TigerVnc):
    """`way` is as TigerVNC calls it: X509None, X509Vnc or X509Plain."""

    def __init__(
        self, screen: ViewerScreen, port: int, way: str, authority: Path | None, user: str = "", password: str = ""
    ) -> None:
        super().__init__(screen, port)
        options = [f"-SecurityTypes={way}", *([f"-X509CA={authority}"] if authority else [])]
        self.argv = [*self.argv[:-1], *options, self.argv[-1]]
        # It takes a password for X509Vnc from there too, and needs a name beside it.
        if password:
            self.env |= {"VNC_USERNAME": user, "VNC_PASSWORD": password}

    def is_told_no(self) -> None:
        """Waits until it asks whether to believe a stranger, and answers no."""
        question = self.screen.titled(UNKNOWN_AUTHORITY)
        self.screen.run("xdotool", "windowfocus", "--sync", question, "key", "Escape")
