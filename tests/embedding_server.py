"""A small embedding server on loopback that speaks OpenAI's protocol, well or badly.

Its vectors are bags of hashed words, so that texts with words in common are near each other.
"""

import hashlib
import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

DIMENSIONS = 32


def embed(text: str, dimensions: int = DIMENSIONS) -> list[float]:
    """Return a vector whose length is not one."""
    vector = [0.1] * dimensions
    for word in re.findall(r"\w+", text.lower()):
        vector[hashlib.sha256(word.encode()).digest()[0] % dimensions] += 1.0
    return vector


class EmbeddingServer(ThreadingHTTPServer):
    """``behaviour`` is ok, garbage, short, uneven, stall, or a status with which every request fails."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behaviour: str | int = "ok"
        self.dimensions = DIMENSIONS
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class _Handler(BaseHTTPRequestHandler):
    server: EmbeddingServer

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(request)
        self.server.keys.append(self.headers["Authorization"])
        behaviour = self.server.behaviour
        if behaviour == "stall":
            time.sleep(2)
        elif isinstance(behaviour, int):
            message = f"said the server\nto {self.headers['Authorization']}"
            self._send(behaviour, json.dumps({"error": {"message": message}}))
        elif behaviour == "garbage":
            self._send(200, "<html>hello</html>", "text/html")
        else:
            rows = [embed(text, self.server.dimensions) for text in request["input"]]
            rows = rows[1:] if behaviour == "short" else rows
            rows = [row[at:] for at, row in enumerate(rows)] if behaviour == "uneven" else rows
            data = [{"object": "embedding", "index": at, "embedding": row} for at, row in enumerate(rows)]
            usage = {"prompt_tokens": 1, "total_tokens": 1}
            self._send(200, json.dumps({"object": "list", "model": request["model"], "data": data, "usage": usage}))

    def _send(self, status: int, body: str, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("retry-after-ms", "10")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def serve_embeddings() -> Iterator[EmbeddingServer]:
    """Yield a server that runs until the block ends."""
    with EmbeddingServer() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
