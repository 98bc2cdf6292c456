"""Offer the tools as named endpoints on the page's server, and nothing else of the page.

Knows Gradio's endpoints; leaves what they do to ``tools``.
"""

import json
import re
from collections.abc import Awaitable, Callable
from functools import partial, wraps
from inspect import getdoc, signature
from typing import Any

from chatbot.errors import ChatbotError, InputError
from chatbot.pipeline import PaperChatbot
from chatbot.tools import Tool, Watch, call_watched, make_tools

_CALL = re.compile(r"/gradio_api/call/(v2/)?([^/]+)/?$")


def offer_api(bot: PaperChatbot, page: Any, watch: Watch) -> None:
    """Add the endpoints to ``page``, as the last of its events: those before lose their names.

    Gradio serves every event that has a name to whoever knows it, also those that it calls private. What the
    endpoints tell passes ``watch``.
    """
    from gradio.events import api

    for event in page.fns.values():
        event.api_name, event.api_visibility = None, "private"
    for tool in make_tools(bot):
        api(_tell_errors(tool, watch), api_description=" ".join((getdoc(tool) or "").split()))


def check_calls() -> Any:
    """Return the middleware for the page's server that refuses calls that no endpoint can take.

    Gradio by itself answers those with a stack trace in the log, and asks for the optional values too.
    """
    from starlette.middleware import Middleware

    return Middleware(_check_calls)


def _check_calls(app: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    from starlette.requests import Request
    from starlette.responses import JSONResponse

    async def checked(scope: Any, receive: Any, send: Any) -> None:
        called = _CALL.search(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if not called:
            await app(scope, receive, send)
            return
        by_name, name = called.groups()
        tool = next((event.fn for event in scope["app"].get_blocks().fns.values() if event.api_name == name), None)
        if not tool:
            await JSONResponse({"error": f"there is no endpoint “{name}”"}, 404)(scope, receive, send)
            return
        try:
            bodies = [_complete(tool, bool(by_name), await Request(scope, receive).body())]
        except InputError as error:
            await JSONResponse({"error": str(error)}, 422)(scope, receive, send)
            return

        async def receive_again() -> Any:
            return {"type": "http.request", "body": bodies.pop()} if bodies else await receive()

        await app(scope, receive_again, send)

    return checked


def _complete(tool: Tool, by_name: bool, body: bytes) -> bytes:
    """Return ``body`` with the values that were left out. Raises InputError when it is no call of ``tool``."""
    try:
        record = json.loads(body)
        bound = signature(tool).bind(**record) if by_name else signature(tool).bind(*record["data"])
    except (ValueError, RecursionError) as error:
        raise InputError(f"the body is not valid JSON ({error})") from error
    except KeyError as error:
        raise InputError('the body needs a list “data”, as in {"data": ["…"]}') from error
    except TypeError as error:
        raise InputError(f"{tool.__name__}: {error}") from error
    bound.apply_defaults()
    return json.dumps(bound.arguments if by_name else record | {"data": bound.args}).encode()


def _tell_errors(tool: Tool, watch: Watch) -> Tool:
    """Return ``tool``, whose known errors reach the caller as their one line, without a stack trace in the log."""
    import gradio as gr
    from gradio.context import LocalContext

    @wraps(tool)
    def call(*given: Any) -> dict[str, Any]:
        try:
            return call_watched(watch, LocalContext.request.get(), str(given[0]), partial(tool, *given))
        except ChatbotError as error:
            raise gr.Error(str(error), print_exception=False) from error

    return call
