"""A client of the page's API that compares each answer with the OpenAPI description which the page serves."""

import json
import subprocess
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from places import MKSGATE
from waiting import DEADLINE
from web import Web


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: Any


class Api:
    """`key` is sent with each request, if there is one."""

    def __init__(self, web: Web, key: str = "") -> None:
        self.web, self.key = web, key
        self.description = json.loads(web.ask("/api")[2])
        validate(self.description)

    def vms(self, **headers: str) -> Answer:
        return self.ask("GET", "/vms", None, **headers)

    def console(self, **wanted: Any) -> Answer:
        return self.ask("POST", "/consoles", json.dumps(wanted))

    def login(self, **wanted: Any) -> Answer:
        return self.ask("POST", "/logins", json.dumps(wanted))

    def ask(self, method: str, path: str, body: str | None = None, **headers: str) -> Answer:
        """An answer, whose status and body are as described."""
        if self.key:
            headers = {"Authorization": f"Bearer {self.key}"} | headers
        if body is not None:
            headers = {"Content_Type": "application/json"} | headers
        status, given, text = self.web.ask(f"/api{path}", "", method, text=body, **headers)
        if given.get("content-type") != "application/json":
            raise AssertionError(f"{status} has the type {given.get('content-type')}: {text}")
        answer = Answer(status, given, json.loads(text))
        self._validate(method, path, answer)
        return answer

    def _validate(self, method: str, path: str, answer: Answer) -> None:
        responses = self.description["paths"].get(path, {}).get(method.lower(), {}).get("responses")
        if responses is None:
            schema = {"$ref": "#/components/schemas/Error"}
        else:
            response = self._resolved(responses[str(answer.status)])
            schema = response["content"]["application/json"]["schema"]
            for header in response.get("headers", {}):
                if header.lower() not in answer.headers:
                    raise AssertionError(f"{answer.status} has no {header}")
        # References lead into the whole description.
        Draft202012Validator(schema | {"components": self.description["components"]}).validate(answer.body)

    def _resolved(self, part: dict[str, Any]) -> dict[str, Any]:
        if "$ref" not in part:
            return part
        return self.description["components"]["responses"][part["$ref"].rpartition("/")[2]]


def make_key(name: str) -> tuple[str, str]:
    """A key, and its line for the keys file."""
    argv = [str(MKSGATE), "passwd", "--api", name]
    made = subprocess.run(argv, text=True, capture_output=True, check=True, timeout=DEADLINE, stdin=subprocess.DEVNULL)
    return made.stderr.splitlines()[-1], made.stdout.strip()
