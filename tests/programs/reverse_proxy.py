"""nginx and Caddy with the configurations of packaging/, in front of the page of a gateway."""

from pathlib import Path

from places import ROOT, free_ports, scratch
from program import Program

PACKAGING = ROOT / "packaging"

# In the configurations.
NAME = "consoles.example"
CERTIFICATE, KEY = "/etc/mksgate/web.pem", "/etc/mksgate/web.key"
UPSTREAM = "127.0.0.1:8080"


class ReverseProxy(Program):
    """`port` is its HTTPS port; `path` is where the page is behind it, with a slash at both ends."""

    def __init__(self, name: str, upstream: int, certificate: tuple[Path, Path], path: str) -> None:
        super().__init__(name, [])
        self.port, self.path = free_ports(), path
        self._replaced = {
            CERTIFICATE: str(certificate[0]),
            KEY: str(certificate[1]),
            UPSTREAM: f"127.0.0.1:{upstream}",
        }

    def wait_until_ready(self) -> None:
        self.wait_for_port(self.port)

    def replaced(self, text: str, more: dict[str, str]) -> str:
        """The text with what differs here; each old part must be there."""
        for old, new in (self._replaced | more).items():
            if old not in text:
                raise AssertionError(f"{old!r} is not in the configuration of {self.name}")
            text = text.replace(old, new)
        return text


class Nginx(ReverseProxy):
    def __init__(self, upstream: int, certificate: tuple[Path, Path], path: str = "/") -> None:
        super().__init__("nginx", upstream, certificate, path)
        listen, location = f"listen 127.0.0.1:{self.port} ssl;", f"location {path} {{"
        site = self.replaced(
            (PACKAGING / "nginx.conf").read_text(),
            {"listen 443 ssl;": listen, "\n    location / {": f"\n    {location}", "-Prefix /": f"-Prefix {path}"},
        )
        folders = "".join(
            f"    {kind}_temp_path {self.folder}/{kind};\n"
            for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        )
        main = f"daemon off;\npid {self.folder}/pid;\nerror_log stderr;\nevents {{}}\n"
        configuration = self.folder / "nginx.conf"
        configuration.write_text(f"{main}http {{\n    access_log off;\n{folders}{site}}}\n")
        self.argv = ["nginx", "-e", "stderr", "-c", str(configuration)]


class Caddy(ReverseProxy):
    def __init__(self, upstream: int, certificate: tuple[Path, Path], path: str = "/") -> None:
        super().__init__("caddy", upstream, certificate, path)
        handled = "\n\thandle {" if path == "/" else f"\n\thandle_path {path}* {{"
        site = self.replaced(
            (PACKAGING / "Caddyfile").read_text(),
            {
                f"\n{NAME} {{": f"\nhttps://{NAME}:{self.port} {{\n\tbind 127.0.0.1",
                "\n\thandle {": handled,
                "-Prefix /": f"-Prefix {path}",
            },
        )
        options = "{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n}\n"
        configuration = self.folder / "Caddyfile"
        configuration.write_text(options + site)
        self.env |= {"HOME": str(scratch("caddy-home")), "XDG_DATA_HOME": str(scratch("caddy-data"))}
        self.argv = ["caddy", "run", "--adapter", "caddyfile", "--config", str(configuration)]
