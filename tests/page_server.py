"""The page of a server in a process of its own, and visitors who talk to it as their browsers would."""

import json
import os
import re
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests import forked
from tests.model_server import ModelServer

KEY = "sk-planted-0123456789"
PASSWORD = "correct horse"
QUESTION = "How many times faster does FRNet operate?"


@dataclass
class Visitor:
    """A browser of its own: cookies, and a session of the page."""

    url: str
    name: str = ""
    session: str = field(default_factory=lambda: uuid.uuid4().hex)
    cookies: httpx.Cookies = field(default_factory=httpx.Cookies)

    def sign_in(self, password: str = PASSWORD) -> httpx.Response:
        answer = httpx.post(f"{self.url}/login", data={"username": self.name, "password": password})
        self.cookies.update(answer.cookies)
        return answer

    def get(self, path: str, **more: Any) -> httpx.Response:
        return httpx.get(f"{self.url}/{path}", cookies=self.cookies, timeout=60, **more)

    def post(self, path: str, **body: Any) -> httpx.Response:
        return httpx.post(f"{self.url}/gradio_api/{path}", cookies=self.cookies, json=body, timeout=60)

    def send(self, question: str, session: str = "") -> httpx.Response:
        """Send a question as the page does, in this visitor's session or another's."""
        page = self.get("config").json()
        plain = {part["id"] for part in page.get("components", ()) if part["type"] == "json"}
        events = page.get("dependencies", ())
        unknown: dict[str, Any] = {"id": 0, "inputs": ()}
        reply = next((event for event in events if plain & set(event["outputs"])), unknown)
        data = [question, *[None for _ in reply["inputs"][1:]]]
        return self.post("queue/join", data=data, fn_index=reply["id"], session_hash=session or self.session)

    def ask(self, question: str) -> str:
        """Return the answer to a question, or the error in its place."""
        self.send(question).raise_for_status()
        sent = self.get(f"gradio_api/queue/data?session_hash={self.session}").text.splitlines()
        events = [json.loads(line.removeprefix("data: ")) for line in sent if line]
        done = next(event for event in reversed(events) if event["msg"] == "process_completed")
        return str(done["output"]["data"][0] if done["success"] else done["output"]["error"])


@dataclass
class Server:
    url: str
    process: subprocess.Popen[str]
    log: Path

    def lines(self, event: str = "") -> list[dict[str, Any]]:
        found = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [line for line in found if not event or line["event"] == event]


@contextmanager
def serving(index: Path, model: ModelServer, log: Path, *options: str, **settings: str) -> Iterator[Server]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        options = (*options, "--port", str(free.getsockname()[1]), "--model", "openai:scripted")
    command = [sys.executable, "-m", "chatbot", "serve", "--index", str(index), *options]
    environment = os.environ | {"OPENAI_BASE_URL": model.url, "OPENAI_API_KEY": KEY} | settings
    with (
        log.open("w") as errors,
        forked.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment) as process,
    ):
        assert process.stdout
        try:
            url = next(found[0] for line in process.stdout if (found := re.search(r"http://[^\s/]+", line)))
            yield Server(url, process, log)
        finally:
            process.kill()
