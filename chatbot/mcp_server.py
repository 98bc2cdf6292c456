"""Offer the tools to MCP clients: at ``/mcp`` on the page's server, or over standard input and output.

Knows the protocol, by the ``mcp`` package of the extra; leaves what the tools do to ``tools``.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from importlib.util import find_spec
from inspect import getdoc
from typing import Any

from chatbot import __version__
from chatbot.errors import InputError
from chatbot.pipeline import PaperChatbot
from chatbot.tools import Watch, call_watched, describe_input, let_pass, make_tools

_INSTRUCTIONS = "Research papers indexed by Paper Chatbot. Nothing here changes anything; every quotation is exact."
_AT_ONCE = 4  # calls; further ones wait


def require_mcp() -> None:
    """Raise InputError when the extra is not installed."""
    if find_spec("mcp") is None:
        raise InputError("MCP needs a package; run: pip install 'paper-chatbot[mcp]'")


def serve_stdio(bot: PaperChatbot) -> None:
    """Answer on standard output what is asked on standard input, until that ends."""
    import anyio
    from mcp.server.stdio import stdio_server

    server = _build_server(bot, let_pass)

    async def serve() -> None:
        async with stdio_server() as (incoming, outgoing):
            await server.run(incoming, outgoing, server.create_initialization_options())

    anyio.run(serve)


def mcp_app(bot: PaperChatbot, local: bool, watch: Watch = let_pass) -> dict[str, Any]:
    """Return what the page's server has to be made with (``routes`` and ``lifespan``) to answer at ``/mcp``.

    What the tools tell passes ``watch``, as does what the page and its endpoints tell.

    With ``local`` only requests to this machine's own names are answered, so that no page of a browser gets in by
    giving its host the address of this machine (DNS rebinding). Where one has to sign in to the page none is answered.
    """
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
    from mcp.server.transport_security import TransportSecuritySettings
    from starlette.routing import Route

    hosts = ["127.0.0.1", "localhost", "[::1]"]
    security = TransportSecuritySettings(
        enable_dns_rebinding_protection=local,
        allowed_hosts=[f"{host}:*" for host in hosts],
        allowed_origins=[f"http://{host}:*" for host in hosts],
    )
    endpoint = _Endpoint()

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        # No sessions: every call stands by itself, and any copy of the server may answer it. A manager runs once, and
        # where another program takes the port in the last moment, the page's server starts again on the next one.
        endpoint.manager = StreamableHTTPSessionManager(
            _build_server(bot, watch), json_response=True, stateless=True, security_settings=security
        )
        async with endpoint.manager.run():
            yield

    return {"routes": [Route("/mcp", endpoint, methods=["POST"])], "lifespan": lifespan}


class _Endpoint:
    manager: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        from starlette.responses import JSONResponse

        # What Gradio asks of visitors it asks on its own routes only, and MCP clients cannot fill in its form.
        if scope["app"].auth is not None:
            refusal = JSONResponse({"error": "nobody can sign in here; let your client run: chatbot mcp"}, 401)
            await refusal(scope, receive, send)
            return
        await self.manager.handle_request(scope, receive, send)


def _build_server(bot: PaperChatbot, watch: Watch) -> Any:
    from anyio import CapacityLimiter
    from anyio.to_thread import run_sync
    from mcp import types
    from mcp.server.lowlevel import Server

    tools = {tool.__name__: tool for tool in make_tools(bot)}
    server, limit = Server("paper-chatbot", __version__, _INSTRUCTIONS), CapacityLimiter(_AT_ONCE)

    async def list_tools() -> list[Any]:
        harmless = types.ToolAnnotations(readOnlyHint=True, openWorldHint=False)
        return [
            types.Tool(
                name=name,
                description=" ".join((getdoc(tool) or "").split()),
                inputSchema=describe_input(tool),
                annotations=harmless,
            )
            for name, tool in tools.items()
        ]

    async def call_tool(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if name not in tools:
            raise InputError(f"there is no tool “{name}”; there are {', '.join(tools)}")
        asked, work = str(next(iter(arguments.values()), "")), partial(tools[name], **arguments)
        call = partial(call_watched, watch, server.request_context.request, asked, work)
        return await run_sync(call, limiter=limit)

    server.list_tools()(list_tools)
    # The tools check their arguments themselves, with one line as the answer.
    server.call_tool(validate_input=False)(call_tool)
    return server
