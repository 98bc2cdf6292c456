"""Tell the browser that the page may load nothing from another host.

Knows the HTTP header for it; knows nothing of what the page shows.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

# Gradio needs inline scripts, and evaluates templates. A link stays a link: only the user can follow it.
POLICY = (
    b"default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; "
    b"object-src 'none'; base-uri 'self'; form-action 'self'"
)
Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]


def limit_page() -> Any:
    """Return the middleware for the page's server that adds the header to every response."""
    from starlette.middleware import Middleware

    return Middleware(_add_policy)


def _add_policy(app: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    async def limited(scope: Message, receive: Any, send: Send) -> None:
        async def send_limited(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"content-security-policy", POLICY)]
            await send(message)

        await app(scope, receive, send_limited)

    return limited
