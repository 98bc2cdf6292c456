"""The same tools by MCP: over HTTP, over standard input, and without the extra."""

import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from starlette.applications import Starlette
from starlette.testclient import TestClient

from chatbot import PaperChatbot
from chatbot.mcp_server import mcp_app
from tests.conftest import API_NAMES


async def check_tools(session: ClientSession) -> None:
    await session.initialize()
    tools = (await session.list_tools()).tools
    assert [tool.name for tool in tools] == API_NAMES
    assert all(tool.annotations and tool.annotations.readOnlyHint for tool in tools)
    assert all(about["description"] for tool in tools for about in tool.inputSchema["properties"].values())
    answer = await session.call_tool("ask_papers", {"question": "is the code out?", "history": ["What is FRNet?"]})
    assert answer.structuredContent
    assert answer.structuredContent["standalone_question"] == "is the code out (FRNet)?"
    assert json.loads(answer.content[0].text) == answer.structuredContent
    for name, given, message in (
        ("search_papers", {}, "query: Missing required argument"),
        ("ask_papers", {"question": "x" * 5000}, "the question has 5,000 characters; at most 2,000 are allowed"),
        ("delete_thread", {}, f"there is no tool “delete_thread”; there are {', '.join(API_NAMES)}"),
    ):
        refused = await session.call_tool(name, given)
        assert (refused.isError, refused.content[0].text) == (True, message)


def in_session(open_streams: Callable[[], Any], work: Callable[[ClientSession], Awaitable[None]]) -> None:
    async def main() -> None:
        async with open_streams() as streams, ClientSession(streams[0], streams[1]) as session:
            await work(session)

    anyio.run(main)


def test_an_mcp_client_finds_and_calls_the_tools(api_url: str) -> None:
    in_session(lambda: streamable_http_client(f"{api_url}/mcp"), check_tools)


def test_an_mcp_client_may_start_the_server_itself(seed_index: Path) -> None:
    words = ["-m", "chatbot", "mcp", "--index", str(seed_index)]
    start = StdioServerParameters(command=sys.executable, args=words, env=dict(os.environ))
    in_session(lambda: stdio_client(start), check_tools)


def test_mcp_survives_a_start_on_a_port_that_was_just_taken(bot: PaperChatbot) -> None:
    app = Starlette(**mcp_app(bot, local=False))
    app.auth = None  # type: ignore[attr-defined]
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    for _ in range(2):  # as Gradio starts the same app again, on the next port
        with TestClient(app) as client:
            told = client.post("/mcp", json=asked, headers={"Accept": "application/json, text/event-stream"})
            assert [tool["name"] for tool in told.json()["result"]["tools"]] == API_NAMES


def test_mcp_answers_only_to_this_machines_names(api_url: str) -> None:
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    accept = {"Accept": "application/json, text/event-stream"}
    assert httpx.post(f"{api_url}/mcp", json=asked, headers=accept).is_success
    for strange in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}):
        assert httpx.post(f"{api_url}/mcp", json=asked, headers=accept | strange).is_client_error


@pytest.mark.parametrize("command", [["serve", "--mcp"], ["mcp"]])
def test_without_the_extra_one_line_says_how_to_install_it(command: list[str]) -> None:
    start = f"import sys; sys.modules['mcp'] = None; sys.argv[1:] = {command}; from chatbot.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", start], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.strip().endswith("MCP needs a package; run: pip install 'paper-chatbot[mcp]'")
