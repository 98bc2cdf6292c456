"""What stands between the network and the page: sign-in, sessions that belong to one user, and the log of requests.

Knows HTTP and where Gradio keeps who is signed in and whose an event is; knows nothing of questions or answers.
"""

import asyncio
import json
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, MutableMapping
from contextvars import ContextVar
from typing import Any

from chatbot.library import MOST_BYTES
from chatbot.serving.accounts import Accounts
from chatbot.serving.limits import Limits
from chatbot.serving.logs import hash_name, locate, log

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

MOST_SESSIONS = 100_000
MOST_UNKNOWN = 100_000  # bytes that somebody who has yet to sign in may send
_PARTS = re.compile(r".*/(assets|static|svelte)/|.*/(theme\.css|favicon\.ico|robots\.txt)$")  # too many to log
_IN_PATH = re.compile(r".*/gradio_api/(?:heartbeat|stream|call/(?:v2/)?+[^/]+)/([^/]+)")
_UPLOAD = "/gradio_api/upload"  # goes to files as it comes, and Gradio limits these
_HOLDS_OPEN = re.compile(r".*/gradio_api/heartbeat/")
_ADDRESS: ContextVar[str] = ContextVar("address", default="")
_NOT_YOURS = {"detail": "Session not found."}
_TOO_MUCH = {"error": f"more than {MOST_BYTES // 1_000_000} MB, or much before signing in; send less at a time"}
_UNUSABLE = {"error": "this request lacks something, or holds what cannot be used"}


class Door:
    """The door of one server.

    Attributes:
        inside: how many requests are being answered, but for those that only keep a connection open.
    """

    def __init__(self, accounts: Accounts | None, limits: Limits) -> None:
        self.inside = 0
        self._accounts, self._limits = accounts, limits
        self._sessions: OrderedDict[str, str] = OrderedDict()

    async def sign_in(self, name: str, password: str) -> bool:
        """Tell whether this visitor may come in; ``Blocks.launch`` asks."""
        from fastapi import HTTPException

        address = _ADDRESS.get()
        if not self._accounts:
            return False
        if not self._limits.may_try(name, address):
            log("sign in", user=hash_name(name), address=address, status="slowed")
            raise HTTPException(400, "too many tries; wait a minute and try again")  # 400 is what the page shows
        kept = self._accounts.find(name)
        right = await asyncio.to_thread(self._accounts.check, name, password)
        right = right and self._accounts.find(name) == kept  # or those signed in may have been signed out meanwhile
        if right:
            self._limits.forgive(name, address)
        log("sign in", user=hash_name(name), address=None if right else address, status="ok" if right else "wrong")
        return right

    def middleware(self, app: App) -> App:
        """Return ``app`` behind this door."""

        async def enter(scope: Message, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            holds = bool(_HOLDS_OPEN.match(scope["path"]))
            self.inside += not holds
            _ADDRESS.set(scope["client"][0] if scope.get("client") else "")
            try:
                await self._answer(app, scope, receive, send)
            finally:
                self.inside -= not holds

        return enter

    async def _answer(self, app: App, scope: Message, receive: Receive, send: Send) -> None:
        started, status, is_open, user = time.perf_counter(), 0, False, self._find_user(scope)

        async def note(message: Message) -> None:
            nonlocal status, is_open
            status = message.get("status", status)
            is_open = message["type"] == "http.response.start" or message.get("more_body", False)
            await send(message)

        try:
            refusal, receive = await self._check(scope, receive, user)
            await (_refuse(note, *refusal) if refusal else app(scope, receive, note))
        except Exception as error:
            if "/gradio_api/" not in scope["path"]:
                raise
            # What the page does runs in its queue: here it is Gradio that cannot make sense of a request.
            log("error", error=type(error).__name__, where=locate(error.__traceback__))
            if not status:
                await _refuse(note, 422, _UNUSABLE)
            elif is_open:
                await note({"type": "http.response.body"})
        finally:
            if status >= 400 or not _PARTS.match(scope["path"]):
                log(
                    "request",
                    method=scope["method"],
                    path=_shape(scope),
                    status=status,
                    ms=round((time.perf_counter() - started) * 1000, 1),
                    user=hash_name(user) or None,
                )

    async def _check(self, scope: Message, receive: Receive, user: str) -> tuple[tuple[int, Message] | None, Receive]:
        """Return why a request is refused, None when it is not, and how its body is received.

        Raises ValueError when a body that should name a session is no JSON.
        """
        body: bytes | None = b""
        if scope["method"] == "POST" and not scope["path"].endswith(_UPLOAD):
            most = MOST_BYTES if user or not self._accounts else MOST_UNKNOWN
            body, receive = await _read_body(receive, most)
        if body is None:
            return (413, _TOO_MUCH), receive
        # Gradio believes now one place that names a session, now another: whatever is named has to be one's own.
        named = _find_sessions(scope, body) if self._accounts and "/gradio_api/" in scope["path"] else ()
        if not all(self._own(session, user) for session in named):
            return (404, _NOT_YOURS), receive
        return None, receive

    def _own(self, session: str, user: str) -> bool:
        """Tell whether a session, which is of whoever used it first, is this user's."""
        if not user:
            return session not in self._sessions
        self._sessions.setdefault(session, user)
        self._sessions.move_to_end(session)
        if len(self._sessions) > MOST_SESSIONS:
            self._sessions.popitem(last=False)
        return self._sessions[session] == user

    def _find_user(self, scope: Message) -> str:
        """Return who is signed in, "" for nobody; whoever's account is gone or has another password is signed out."""
        from starlette.requests import HTTPConnection

        if not self._accounts:
            return ""
        page, cookies = scope["app"], HTTPConnection(scope).cookies
        if changed := self._accounts.find_changed():
            for token, user in list(page.tokens.items()):
                if user in changed:
                    page.tokens.pop(token, None)
        names = (f"access-token-{page.cookie_id}", f"access-token-unsecure-{page.cookie_id}")
        return page.tokens.get(next((cookies[name] for name in names if cookies.get(name)), None)) or ""


async def _refuse(send: Send, status: int, reason: Message) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(reason).encode()})


async def _read_body(receive: Receive, most: int) -> tuple[bytes | None, Receive]:
    """Return the body of a request, None when it has more than ``most`` bytes, and how it is received again."""
    parts, left, more = list[bytes](), most, True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        left, more = left - len(parts[-1]), message.get("more_body", False)
        if left < 0:
            return None, receive
    body = b"".join(parts)
    again = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def repeat() -> Message:
        return next(again, None) or await receive()

    return body, repeat


def _find_sessions(scope: Message, body: bytes) -> set[str]:
    """Return the sessions that a request names in its path, its query or its body, or by an event of theirs."""
    from starlette.datastructures import QueryParams

    sent, in_path = json.loads(body or b"{}"), _IN_PATH.match(scope["path"])
    told = sent if isinstance(sent, dict) else {}
    names = [in_path and in_path[1], told.get("session_hash"), told.get("event_id")]
    names += QueryParams(scope["query_string"]).getlist("session_hash")
    queue = scope["app"].get_blocks()._queue
    return {_find_owner(queue, str(name)) for name in names if name}


def _find_owner(queue: Any, name: str) -> str:
    """Return the session of the event ``name``, or ``name`` itself where that is a session."""
    if event := queue.event_ids_to_events.get(name):
        return str(event.session_hash)
    waiting = queue.pending_event_ids_session  # of each session the events whose end it has not been told
    return name if name in waiting else next((each for each, events in waiting.items() if name in events), name)


def _shape(scope: Message) -> str:
    """Return the pattern of a path, without what a visitor put in it."""
    route = scope.get("route")
    return str(getattr(route, "path", None) or "/".join(scope["path"].split("/")[:3])[:80])
