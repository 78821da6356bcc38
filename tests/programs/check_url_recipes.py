"""The recipes for consoles at URLs: their files, with other addresses and secrets."""

import base64
import secrets
import unittest
from collections.abc import Iterable

import picture
import vncdo
from api_stand_in import Hetzner, KubeVirt, Proxmox
from authority import Authority
from desktop import Desktop
from places import scratch
from qemu import Qemu
from url_recipe import UrlRecipe
from websockify import Websockify, tokens

authority: Authority


def setUpModule() -> None:
    global authority
    authority = Authority()


class Recipes(unittest.TestCase):
    def test_websockify_with_a_login_and_a_token_and_qemu_with_a_password(self) -> None:
        login, password = f"ada:{secrets.token_hex(8)}", "s3cret-8"
        certificate, key = authority.certificate()
        desktop = self.enterContext(Desktop())
        guest = self.enterContext(Qemu(authority, password))
        lead = tokens(scratch("tokens"), {"vm08": desktop.port})
        auth = ["--auth-plugin", "BasicHTTPAuth", "--auth-source", login]
        server = self.enterContext(Websockify("--cert", certificate, "--key", key, "--ssl-only", *lead, *auth))
        instead = {
            "websockify.example:6080": server.address,
            "hypervisor.example:5700": f"127.0.0.1:{guest.websocket}",
            "YWRhOnNlY3JldA==": base64.b64encode(login.encode()).decode(),
        }
        pem = authority.pem.read_bytes()
        files = {"websockify-ca.pem": pem, "ca-cert.pem": pem, "vnc.password": password}
        with UrlRecipe("websockify", instead, files) as gateway:
            picture.become_equal(lambda: vncdo.capture(gateway.ports[5901]), desktop.picture)
            self._shows(gateway.ports[5902], guest)
            self._probe_finds(gateway, desktop.picture().size)
            self._keeps_secret(gateway, [login.partition(":")[2], password])

    def test_proxmox_against_a_stand_in_with_a_login_and_a_ticket_for_each_viewer(self) -> None:
        password = secrets.token_urlsafe(12) + "&="
        guest = self.enterContext(Qemu(password=Proxmox.vnc_password))
        api = self.enterContext(Proxmox(authority, guest.websocket, password, "nodes/pve1/qemu/100"))
        files = {"pve-root-ca.pem": authority.pem.read_bytes(), "pve.password": password}
        with UrlRecipe("proxmox", {"pve.example:8006": api.address}, files) as gateway:
            for _ in range(2):
                self._shows(gateway.ports[5901], guest)
            self._probe_finds(gateway, guest.picture().size)
            self.assertGreaterEqual(api.opened, 3)
            self.assertEqual(set(), api.tickets, "each was spent")
            self._keeps_secret(gateway, [password, api.cookie, api.token, "PVEVNC:"])

    def test_kubevirt_against_a_stand_in_with_a_fixed_or_new_token(self) -> None:
        token = secrets.token_urlsafe(40)
        guest = self.enterContext(Qemu())
        api = self.enterContext(KubeVirt(authority, guest.websocket, token, ["vm08", "vm09"]))
        instead = {"kubernetes.example:6443": api.address, "eyJhbGciOi…": token}
        expected = "create token mksgate --namespace lab --duration 10m"
        kubectl = f'#!/bin/sh\n[ "$*" = "{expected}" ] && echo {token}\n'
        files = {"kubernetes-ca.pem": authority.pem.read_bytes(), "kubectl": kubectl}
        with UrlRecipe("kubevirt", instead, files) as gateway:
            for port in gateway.ports.values():
                self._shows(port, guest)
            self._keeps_secret(gateway, [token])

    def test_hetzner_against_a_stand_in_with_a_token_and_a_fresh_url_for_each_viewer(self) -> None:
        token = secrets.token_urlsafe(48)
        guest = self.enterContext(Qemu(password=Hetzner.vnc_password))
        api = self.enterContext(Hetzner(authority, guest.websocket, token, 42))
        recipe = UrlRecipe("hetzner", {"api.hetzner.cloud": api.address, "jEheVytl…": token}, {})
        # From here mksgate and curl take the authorities that the system trusts.
        recipe.env |= {name: str(authority.pem) for name in ["SSL_CERT_FILE", "CURL_CA_BUNDLE"]}
        with recipe as gateway:
            for _ in range(2):
                self._shows(gateway.ports[5901], guest)
            self._probe_finds(gateway, guest.picture().size)
            self.assertGreaterEqual(api.opened, 3)
            self.assertEqual(set(), api.tickets, "each was spent")
            self.assertFalse(api.exposed, "the token was on a command line")
            self._keeps_secret(gateway, [token, "token=", Hetzner.vnc_password])

    def _shows(self, port: int, guest: Qemu) -> None:
        picture.become_equal(lambda: vncdo.capture(port), guest.picture)

    def _probe_finds(self, gateway: UrlRecipe, size: tuple[int, int]) -> None:
        probed = gateway.probe()
        self.assertEqual((0, ""), (probed.returncode, probed.stderr), probed.stdout)
        self.assertIn(f"{size[0]} x {size[1]}", probed.stdout)

    def _keeps_secret(self, gateway: UrlRecipe, of: Iterable[str]) -> None:
        said = gateway.stdout + gateway.stderr
        self.assertIn("session opened", said)
        for secret in of:
            self.assertNotIn(secret, said)
