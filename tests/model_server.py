"""A server on loopback that speaks OpenAI's HTTP interface and answers as a test tells it to, faults included.

Knows HTTP, timing and who is connected; knows nothing of what is said, of papers, prompts or the product.
"""

import json
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import Message
from functools import partial
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import Any

from tests.model_replies import Behaviour, Body, Reply, chat_pieces, embeddings, models

__all__ = ["Behaviour", "Body", "ModelServer", "Reply", "model_server"]

TICK = 0.01  # seconds between looks at a client that is kept waiting


@dataclass(slots=True)
class Request:
    """A request as received, header names in any case, and what became of its reply.

    ``sent`` counts the events that went out, or the halves of a body that is not streamed; ``times`` holds the
    moment just before each of them, in seconds of ``time.perf_counter``.
    """

    path: str
    headers: Message
    body: Body
    releases: int
    sent: int = 0
    times: list[float] = field(default_factory=list)
    left: bool = False
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def disconnected(self) -> bool:
        """Return whether the client left before the whole reply was sent; waits up to 5 seconds for its end."""
        return self.ended.wait(5) and self.left


class ModelServer:
    """The server: what it was asked is in ``requests``, what it answers comes from ``script`` and then ``default``.

    Attributes:
        url: base address, ending in /v1.
        requests: every request in order of arrival, of all endpoints.
        default: the reply, or a function from the request's body to one, once the script is used up.
        faults: what went wrong in such functions; the client got status 500, and ``model_server`` raises it.
    """

    def __init__(self, port: int = 0) -> None:
        self.requests: list[Request] = []
        self.default: Reply | Behaviour = Reply("Hello from the scripted model.")
        self.faults: list[Exception] = []
        self.releases = 0
        self.closing = False
        self.connections: set[socket.socket] = set()
        self._script: deque[Reply | Behaviour] = deque()
        self._http = _Listener(("127.0.0.1", port), partial(_Handler, self))
        self._thread = threading.Thread(target=self._http.serve_forever, args=(TICK,), name="model server")
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}/v1"
        self._thread.start()

    def script(self, *replies: Reply | Behaviour) -> None:
        """Answer the next chat requests with ``replies``, one each, after those scripted before."""
        self._script.extend(replies)

    def release(self) -> None:
        """Go on with the replies to all requests received so far that stall."""
        self.releases += 1

    def close(self) -> None:
        """Drop every connection and wait for all threads to end."""
        self.closing = True
        self._http.shutdown()
        self._thread.join()
        for connection in list(self.connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._http.server_close()

    def next_reply(self, body: Body) -> Reply:
        """Return the reply to a chat request."""
        reply = self._script.popleft() if self._script else self.default
        if isinstance(reply, Reply):
            return reply
        try:
            return reply(body)
        except Exception as error:
            self.faults.append(error)
            return Reply(f"The scripted behaviour failed: {error!r}", status=500)


@contextmanager
def model_server(port: int = 0) -> Iterator[ModelServer]:
    """Yield a running server and close it; raises the first fault of a behaviour."""
    server = ModelServer(port)
    try:
        yield server
    finally:
        server.close()
    if server.faults:
        raise server.faults[0]


class _Listener(ThreadingTCPServer):
    allow_reuse_address = True
    request_queue_size = 128  # many clients at once, none of which should have to knock twice


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __init__(self, owner: ModelServer, *args: Any) -> None:
        self.owner = owner
        super().__init__(*args)

    def handle(self) -> None:
        self.owner.connections.add(self.connection)
        with suppress(OSError):
            if not self.owner.closing:
                super().handle()
        self.owner.connections.discard(self.connection)

    def do_GET(self) -> None:
        if self.path == "/v1/models":
            self._send(self._note({}), Reply(), [models()])
        else:
            self._refuse({}, 404, f"no such endpoint: GET {self.path}")

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            body = json.loads(raw)
        except ValueError:
            return self._refuse({}, 400, "the body is not JSON")
        if self.path == "/v1/embeddings":
            return self._send(self._note(body), Reply(), [embeddings(body)])
        if self.path == "/v1/chat/completions":
            request = self._note(body)
            reply = self.owner.next_reply(body)
            return self._send(request, reply, chat_pieces(body, reply))
        return self._refuse(body, 404, f"no such endpoint: POST {self.path}")

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def _note(self, body: Body) -> Request:
        request = Request(self.path, self.headers, body, self.owner.releases)
        self.owner.requests.append(request)
        return request

    def _refuse(self, body: Body, status: int, message: str) -> None:
        reply = Reply(message, status=status)
        self._send(self._note(body), reply, chat_pieces(body, reply))

    def _send(self, request: Request, reply: Reply, pieces: list[bytes]) -> None:
        try:
            self._wait(reply.delay)
            for index, piece in enumerate(pieces):
                while index == reply.stall_after and request.releases == self.owner.releases:
                    self._wait(TICK)
                if index == reply.break_after:
                    self.close_connection = True
                    break
                self._wait(reply.pause if index else 0)
                if not index:
                    self._start(request, reply)
                request.times.append(time.perf_counter())
                self._write(piece, reply.split_bytes, last=index == len(pieces) - 1)
                request.sent = index + 1
        except OSError:
            request.left = not self.owner.closing
            self.close_connection = True
        finally:
            request.ended.set()

    def _start(self, request: Request, reply: Reply) -> None:
        streamed = reply.status == 200 and request.body.get("stream")
        headers = {
            "Content-Type": "text/event-stream; charset=utf-8" if streamed else "application/json",
            "Transfer-Encoding": "chunked",
            "Connection": "close",  # a client that is kept between tests must not keep sockets to this server
        }
        if reply.status == 429:
            headers["Retry-After"] = "1"
        self.send_response(reply.status)
        for name, value in (headers | dict(reply.headers)).items():
            self.send_header(name, value)
        self.end_headers()

    def _write(self, piece: bytes, split: bool, last: bool) -> None:
        parts = [piece[at : at + 1] for at in range(len(piece))] if split else [piece]
        frames = [b"%x\r\n%b\r\n" % (len(part), part) for part in parts]
        if last:
            frames[-1] += b"0\r\n\r\n"  # in one write with the end of the answer, which a client may leave at
        for frame in frames:
            self.wfile.write(frame)

    def _wait(self, seconds: float) -> None:
        """Wait, and raise ConnectionError as soon as the client has left or the server closes."""
        end = time.monotonic() + seconds
        while True:
            left = max(end - time.monotonic(), 0)
            readable, _, _ = select.select([self.connection], [], [], min(left, TICK))
            if self.owner.closing or (readable and not self.connection.recv(1, socket.MSG_PEEK)):
                raise ConnectionAbortedError
            if not left:
                return
