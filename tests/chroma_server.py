"""A real Chroma server on loopback that can be killed and started again, and a proxy that asks for a token."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx

from chatbot.index import Server
from tests import forked

_START = 60  # seconds


class ChromaProcess:
    """``chroma run`` with its data in ``folder``."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self._folder, self.url = folder, f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[str] | None = None
        self._timer: threading.Timer | None = None

    def make_database(self, tenant: str, database: str) -> None:
        """Make a tenant with one database."""
        for path, name in (("tenants", tenant), (f"tenants/{tenant}/databases", database)):
            httpx.post(f"{self.url}/api/v2/{path}", json={"name": name}).raise_for_status()

    def start(self) -> None:
        """Start it, unless it runs, and wait until it answers."""
        if self._process:
            return
        words = ["run", "--path", str(self._folder), "--host", "127.0.0.1", "--port", str(self._port)]
        program = [sys.executable, "-c", "from chromadb.cli.cli import app; app()", *words]
        environment = os.environ | {"ANONYMIZED_TELEMETRY": "False"}
        self._process = forked.Popen(
            program, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True
        )
        until = time.monotonic() + _START
        while time.monotonic() < until:
            try:
                httpx.get(f"{self.url}/api/v2/heartbeat").raise_for_status()
                return
            except httpx.HTTPError:
                time.sleep(0.05)
        raise RuntimeError("the Chroma server does not start")

    def kill(self) -> None:
        """Kill it as a crash would."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart_after(self, seconds: float) -> None:
        """Start it again in a while."""
        self._timer = threading.Timer(seconds, self.start)
        self._timer.start()

    def end(self) -> None:
        """End it for good."""
        if self._timer:
            self._timer.join()
        self.kill()

    def index(self, name: str, patience: float = 30) -> Server:
        """Return the address of the index ``name``."""
        return Server(self.url, name, patience=patience)


@contextmanager
def guarded(url: str, token: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the address of a proxy that lets only ``token`` through to ``url``, and the tokens that it was sent.

    Whoever has another is told it, as careless proxies do.
    """
    sent = list[str]()

    class Proxy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            given = self.headers.get("Authorization", "")
            sent.append(given)
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if given == f"Bearer {token}":
                passed = {key: value for key, value in self.headers.items() if key.lower() == "content-type"}
                there = httpx.request(self.command, url + self.path, content=content, headers=passed, timeout=60)
                status, body = there.status_code, there.content
            else:
                status, body = 401, f"{given} may not come in".encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815

        def log_message(self, format: str, *values: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", sent
    finally:
        server.shutdown()
        server.server_close()
