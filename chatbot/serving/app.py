"""Start the page as a service, tell whether it is well, and end it when no answer is under way any more.

Knows the server and its signals; leaves what the page shows to ``ui``, and who may come in to the door.
"""

import io
import signal
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout, suppress
from types import FrameType
from typing import Any

from chatbot.errors import ChatbotError, InputError
from chatbot.mcp_server import mcp_app
from chatbot.pipeline import PaperChatbot
from chatbot.serving.accounts import Accounts
from chatbot.serving.desk import Desk
from chatbot.serving.door import Door
from chatbot.serving.limits import Limits
from chatbot.serving.logs import join_log, log, logging_to_stderr
from chatbot.ui import build_page, launch_options

LOOPBACK = {"127.0.0.1", "localhost", "::1"}
TICK = 0.05  # seconds between looks at what is still under way
WELCOME = "Sign in with the name and the password you were given. After several wrong tries, wait a minute."


def serve_page(
    bot: PaperChatbot,
    accounts: Accounts | None,
    started: Callable[[str, str | None], None],
    log_questions: bool = False,
    mcp: bool = False,
    public: bool = False,
    **options: Any,
) -> None:
    """Serve the page until SIGTERM or Ctrl-C, then let the answers under way be finished.

    Args:
        bot: what answers.
        accounts: who may sign in; without, nobody has to.
        started: is told the address, and the public one when a shared one was asked for and made.
        log_questions: whether the log may hold what is asked.
        mcp: whether to answer MCP clients too.
        public: whether anyone may come in where nobody has to sign in; nothing of what they do is kept then. Without
            it, only requests to this machine's own names are answered, so that no other page that is open in its
            browser gets in by giving its host the address of this machine (DNS rebinding).
        options: for ``Blocks.launch``: server_name, server_port, root_path, share, inbrowser.

    Raises InputError when the port is taken.
    """
    limits = Limits(bot.settings.questions_per_minute)
    desk, door = Desk(limits, log_questions), Door(accounts, limits)
    page = build_page(bot, desk.watch, read_only=public and not accounts)
    most, at_once = bot.settings.queue_size, bot.settings.answers_at_once
    page.queue(max_size=most, default_concurrency_limit=at_once, api_open=False)  # no way past the queue
    _lose_what_nobody_waits_for(page._queue)
    alone = not (public or accounts)
    served = mcp_app(bot, alone, desk.watch) if mcp else {}
    stop = _catch_signals()
    with logging_to_stderr():
        try:
            with redirect_stdout(io.StringIO()):  # on which Gradio tells at length that it made no public address
                _, url, shared = page.launch(**_launch(bot, desk, door, accounts, served, alone), **options)
        except OSError as error:
            port, host = options.get("server_port") or "7860 to 7959", options.get("server_name")
            raise InputError(f"port {port} on {host} is not free; choose another with --port") from error
        join_log("uvicorn")
        log("started", papers=len(bot), model=_name_model(bot))
        started(url, shared)
        stop.wait()
        _end(page, desk, door, bot.settings.stop_seconds)


def _launch(
    bot: PaperChatbot, desk: Desk, door: Door, accounts: Accounts | None, served: Mapping[str, Any], alone: bool
) -> dict[str, Any]:
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware
    from starlette.routing import Route

    options = launch_options()
    hosts = [Middleware(TrustedHostMiddleware, sorted(LOOPBACK | {"[::1]"}))] if alone else []
    options["app_kwargs"]["middleware"][1:1] = [*hosts, Middleware(door.middleware)]  # before what reads a body
    routes = [Route("/healthz", _health(bot, desk)), *served.get("routes", ())]
    if not (alone or accounts):
        routes.append(Route("/gradio_api/upload", _refuse_upload, methods=["POST"]))
    options["app_kwargs"] |= {**served, "routes": routes}
    return options | {
        "auth": door.sign_in if accounts else None,
        "auth_message": WELCOME,
        # To Gradio each call of a program is a visit of its own, that it would keep for 9,999 further ones.
        "state_session_capacity": bot.settings.visits_kept,
        "enable_monitoring": False,
        "run_history": False,
        "quiet": True,
        "show_error": True,
        "prevent_thread_lock": True,
    }


def _lose_what_nobody_waits_for(queue: Any) -> None:
    """Drop a message to a visit that has no name or is forgotten, which by itself would end the queue for everyone."""
    send = queue.send_message

    def send_where_known(event: Any, message: Any) -> None:
        with suppress(KeyError):
            send(event, message)

    queue.send_message = send_where_known


def _health(bot: PaperChatbot, desk: Desk) -> Callable[[Any], Any]:
    from starlette.responses import JSONResponse

    def tell(request: Any) -> JSONResponse:
        if desk.closing.is_set():
            return JSONResponse({"status": "stopping"}, 503)
        try:
            bot.index.refresh()
            return JSONResponse({"status": "ok", "papers": len(bot), "model": bot.answerer.model})
        except ChatbotError as error:
            return JSONResponse({"status": "failing", "error": type(error).__name__}, 503)

    return tell


def _refuse_upload(request: Any) -> Any:
    from starlette.responses import JSONResponse

    return JSONResponse({"error": "nothing can be uploaded here"}, 403)


def _name_model(bot: PaperChatbot) -> str:
    try:
        return bot.answerer.model
    except ChatbotError as error:
        return type(error).__name__


def _catch_signals() -> threading.Event:
    """Return what SIGTERM and Ctrl-C set from now on; a second one ends the program at once."""
    stop = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, end)
    return stop


def _end(page: Any, desk: Desk, door: Door, patience: float) -> None:
    """Take no further connection or question, wait ``patience`` seconds for what is under way, and close."""
    until = time.monotonic() + patience
    desk.closing.set()
    log("stopping", answers=desk.open)
    page.server.config.timeout_graceful_shutdown = patience + 1
    page.server.should_exit = True
    while (desk.open or door.inside) and time.monotonic() < until:
        time.sleep(TICK)
    log("stopped", cut=desk.open)
    # What keeps its connection open without an answer to wait for is told to go, and then dropped.
    page.close(verbose=False)
    page.server.force_exit = True
