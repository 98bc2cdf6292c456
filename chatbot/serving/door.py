"""What stands between the network and the page: sign-in, sessions that belong to one user, and the log of requests.

Knows HTTP and where Gradio keeps who is signed in; knows nothing of questions or answers.
"""

import asyncio
import json
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, MutableMapping
from contextvars import ContextVar
from typing import Any

from chatbot.serving.accounts import Accounts
from chatbot.serving.limits import Limits
from chatbot.serving.logs import hash_name, locate, log

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

MOST_SESSIONS = 100_000
_PARTS = re.compile(r".*/(assets|static|svelte)/|.*/(theme\.css|favicon\.ico|robots\.txt)$")  # too many to log
_IN_PATH = re.compile(r".*/gradio_api/(?:heartbeat|stream)/([^/]+)")
_HOLDS_OPEN = re.compile(r".*/gradio_api/heartbeat/")
_ADDRESS: ContextVar[str] = ContextVar("address", default="")
_NOT_YOURS = {"detail": "Session not found."}
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
        right = await asyncio.to_thread(self._accounts.check, name, password)
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
            if self._accounts and "/gradio_api/" in scope["path"]:
                session, receive = await _find_session(scope, receive)
                if session and not self._own(session, user):
                    await _refuse(note, 404, _NOT_YOURS)
                    return
            await app(scope, receive, note)
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
        """Return who is signed in, "" for nobody; whoever has no account any more is signed out."""
        from starlette.requests import HTTPConnection

        if not self._accounts:
            return ""
        page, cookies = scope["app"], HTTPConnection(scope).cookies
        names = (f"access-token-{page.cookie_id}", f"access-token-unsecure-{page.cookie_id}")
        token = next((cookies[name] for name in names if cookies.get(name)), None)
        user = page.tokens.get(token)
        if user and not self._accounts.has(user):
            del page.tokens[token]
            return ""
        return user or ""


async def _refuse(send: Send, status: int, reason: Message) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(reason).encode()})


async def _find_session(scope: Message, receive: Receive) -> tuple[str, Receive]:
    """Return the session that a request names, "" for none, and its body to be received again."""
    from starlette.datastructures import QueryParams

    if found := _IN_PATH.match(scope["path"]):
        return found[1], receive
    if session := QueryParams(scope["query_string"]).get("session_hash"):
        return session, receive
    kind = dict(scope["headers"]).get(b"content-type", b"")
    if scope["method"] != "POST" or kind.startswith((b"multipart/", b"application/x-www-form-urlencoded")):
        return "", receive
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    again = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def repeat() -> Message:
        return next(again, None) or await receive()

    try:
        sent = json.loads(body)
    except ValueError:
        return "", repeat
    return str(sent.get("session_hash") or "") if isinstance(sent, dict) else "", repeat


def _shape(scope: Message) -> str:
    """Return the pattern of a path, without what a visitor put in it."""
    route = scope.get("route")
    return str(getattr(route, "path", None) or "/".join(scope["path"].split("/")[:3])[:80])
