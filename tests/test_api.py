"""What programs may ask of the page's server: by name over HTTP, by Gradio's client, and by MCP."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import httpx
import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

from chatbot import PaperChatbot
from chatbot.errors import InputError
from chatbot.ui.api import _complete
from tests import forked

KEY = "sk-planted-in-the-environment"
NAMES = ["search_papers", "ask_papers", "compare_papers", "get_paper"]

# In a process of its own, because the client leaves sockets to the garbage collector.
CLIENT = """
import json, sys
from gradio_client import Client
client = Client(sys.argv[1], verbose=False)
found = client.predict("lidar", top_k=2, api_name="/search_papers")
try:
    client.predict(7, api_name="/search_papers")
except Exception as error:
    names = list(client.view_api(print_info=False, return_format="dict")["named_endpoints"])
    print(json.dumps([names, found, str(error)]))
"""


WITH_ACCOUNT = """
import sys
from chatbot import PaperChatbot
from chatbot.mcp_server import mcp_app
from chatbot.ui import build_page, launch_options
from tests import forked
bot = PaperChatbot(index=sys.argv[1])
page = build_page(bot)
options = launch_options()
options["app_kwargs"] |= mcp_app(bot, local=True)
_, url, _ = page.launch(auth=("ann", "secret"), quiet=True, prevent_thread_lock=True, **options)
print(url, flush=True)
page.block_thread()
"""


@pytest.fixture(scope="module")
def url(seed_index: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "chatbot", "serve", "--mcp", "--index", str(seed_index), "--port", str(port)]
    environment = os.environ | {"CHATBOT_CHROMA_TOKEN": KEY, "CHATBOT_QUESTIONS_PER_MINUTE": "100000"}
    with forked.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as server:
        assert server.stdout
        yield next(found[1] for line in server.stdout if (found := re.search(r"MCP clients: (http://\S+)/mcp", line)))
        server.terminate()


def post(url: str, name: str, *values: Any, **named: Any) -> httpx.Response:
    """Call as curl would: by position, or with names in the second form that Gradio knows."""
    if named:
        return httpx.post(f"{url}/gradio_api/call/v2/{name}", json=named)
    return httpx.post(f"{url}/gradio_api/call/{name}", json={"data": values})


def call(url: str, name: str, *values: Any, **named: Any) -> tuple[str, Any]:
    """Return the kind of the event that ends the call, and what it holds."""
    event = post(url, name, *values, **named).raise_for_status().json()["event_id"]
    lines = httpx.get(f"{url}/gradio_api/call/{name}/{event}", timeout=60).text.strip().splitlines()
    kind, data = lines[-2].removeprefix("event: "), json.loads(lines[-1].removeprefix("data: "))
    return kind, data[0] if kind == "complete" else data["error"]


def without_times(answer: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in answer.items() if key != "timings_ms"}


def test_answers_over_http_are_those_of_the_library(url: str, bot: PaperChatbot) -> None:
    _, found = call(url, "search_papers", "lidar", 2)
    assert call(url, "search_papers", query="lidar", top_k=2) == ("complete", found)
    assert len(found["hits"]) == 2
    _, paper = call(url, "get_paper", found["hits"][0]["paper_id"])
    assert paper["title"].startswith("FRNet")
    kind, answer = call(url, "ask_papers", "is the code out?", ["What is FRNet?"])
    expected = bot.ask("is the code out?", ["What is FRNet?"]).to_dict()
    assert (kind, without_times(answer)) == ("complete", json.loads(json.dumps(without_times(expected))))
    _, grid = call(url, "compare_papers", ["LiNeS", "FRUGAL"], ["data"])
    assert [row["title"][:6] for row in grid["comparison"]["papers"]] == ["LiNeS:", "FRUGAL"]


def test_calls_do_not_share_a_conversation(url: str) -> None:
    call(url, "ask_papers", "What is FRNet?")
    _, alone = call(url, "ask_papers", "is the code out?")
    assert "FRNet" not in alone["standalone_question"]


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("search_papers", [5], "query: Input should be a valid string"),
        ("search_papers", ["lidar", 1000], "top_k: Input should be less than or equal to 100"),
        ("ask_papers", ["x" * 5000], "the question has 5,000 characters; at most 2,000 are allowed"),
        ("ask_papers", ["why?", ["What?", 3]], "history.1: Input should be a valid string"),
        ("compare_papers", [["Zyxquil"]], "No indexed paper is called “Zyxquil”."),
        ("get_paper", ["nowhere"], "no indexed paper has the id “nowhere”; a search gives the ids"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(url: str, name: str, values: list[Any], message: str) -> None:
    assert call(url, name, *values) == ("error", message)


def test_calls_that_do_not_fit_an_endpoint_are_refused_at_once(url: str) -> None:
    for refused in (post(url, "search_papers"), post(url, "search_papers", "a", 1, 2), post(url, "get_paper", id="a")):
        assert refused.status_code == 422
        assert re.fullmatch(r"\w+: (missing|got an unexpected|too many) .*", refused.json()["error"])
    assert httpx.post(f"{url}/gradio_api/call/get_paper", content=b"{").status_code == 422


BODIES = st.binary(max_size=60) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.sampled_from(["data", "query", "top_k"]), parts),
).map(lambda value: json.dumps(value).encode())


@hypothesis.given(BODIES, st.booleans())
def test_any_body_is_a_call_with_all_its_values_or_refused(body: bytes, by_name: bool) -> None:
    def search(query: str, top_k: int = 10) -> dict[str, Any]:
        raise NotImplementedError

    with suppress(InputError):
        called = json.loads(_complete(search, by_name, body))
        assert len(called if by_name else called["data"]) == 2


@hypothesis.settings(max_examples=40, deadline=None)
@hypothesis.given(st.sampled_from(NAMES), BODIES)
def test_any_body_is_taken_or_refused_in_one_line(url: str, name: str, body: bytes) -> None:
    answer = httpx.post(f"{url}/gradio_api/call/{name}", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in {200, 422}
    assert answer.status_code == 200 or "\n" not in answer.json()["error"]


# Left out is what keeps its connection open, or reads a megabyte for nothing.
HELD_OPEN = r"/heartbeat/|/queue/data|/dev/reload|/upload_progress|/svelte/|/assets/|/$"
DIRECT = ("/gradio_api/run/{api_name}", "/gradio_api/api/{api_name}")  # Gradio answers 500 to whatever an event refuses


@pytest.mark.parametrize("path", ["openapi.json", "gradio_api/openapi.json"])
def test_whatever_the_schema_allows_is_taken_or_refused_and_tells_nothing(
    url: str, seed_index: Path, path: str
) -> None:
    schema = schemathesis.openapi.from_url(f"{url}/{path}").exclude(path_regex=HELD_OPEN)
    secrets = (KEY, "Traceback", "site-packages", str(seed_index), "root:x:")

    @hypothesis.settings(
        max_examples=80,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(schema.as_strategy())
    def check(case: schemathesis.Case[Any]) -> None:
        answer = case.call(base_url=url, timeout=20, allow_redirects=False)
        assert answer.status_code < 500 or case.path in DIRECT
        assert not [secret for secret in secrets if secret in answer.text]

    check()
    assert call(url, "search_papers", "lidar", 1)[0] == "complete"


def test_a_visit_without_a_name_does_not_end_the_queue_for_all(url: str) -> None:
    event = next(each["id"] for each in httpx.get(f"{url}/config").json()["dependencies"] if each["api_name"])
    nameless = {"data": ["lidar", 1], "fn_index": event, "session_hash": ""}
    with ThreadPoolExecutor(20) as pool:
        joined = pool.map(lambda _: httpx.post(f"{url}/gradio_api/queue/join", json=nameless, timeout=60), range(30))
    assert {answer.status_code for answer in joined} == {200}
    assert call(url, "search_papers", "lidar", 1)[0] == "complete"


def test_what_gradio_cannot_read_is_refused_and_the_queue_cannot_be_passed_by(url: str) -> None:
    for path, body in (
        ("upload", {"files": {"other": (None, "no file")}}),
        ("queue/join", {"json": {"data": [], "fn_index": 999, "session_hash": "x"}}),
        ("run/search_papers", {"json": {"data": ["lidar", 1]}}),
        ("api/search_papers", {"json": {"data": ["lidar", 1]}}),
    ):
        answer = httpx.post(f"{url}/gradio_api/{path}", **body)
        assert answer.is_client_error or answer.json() == []
    assert "event: error" in httpx.get(f"{url}/gradio_api/call/get_paper/no-such-event").text


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../../etc/passwd", "%2e%2e/%2e%2e/etc/passwd", "{index}/manifest.json"]
)
def test_no_file_of_this_machine_can_be_fetched(url: str, seed_index: Path, path: str) -> None:
    for route in ("gradio_api/file=", "file=", "gradio_api/file/", "static/", "assets/", "gradio_api/stream/"):
        answer = httpx.get(f"{url}/{route}{path.format(index=seed_index)}")
        assert "root:" not in answer.text
        assert "fingerprint" not in answer.text


def test_nothing_else_of_the_page_has_a_name(url: str) -> None:
    info = httpx.get(f"{url}/gradio_api/info", params={"all_endpoints": "true"}).json()
    assert [*info["named_endpoints"], *info["unnamed_endpoints"]] == [f"/{name}" for name in NAMES]
    events = httpx.get(f"{url}/config").json()["dependencies"]
    assert [event["api_name"] for event in events if event["api_name"] is not None] == NAMES
    for name in ("reply", "_submit_fn", "_open", "_drop", "lambda", "None", "null"):
        assert post(url, name, "x").status_code == 404


def test_gradios_client_can_call_them(url: str) -> None:
    command = [sys.executable, "-c", CLIENT, url]
    names, found, error = json.loads(forked.run(command, check=True).stdout)
    assert names == [f"/{name}" for name in NAMES]
    assert [hit["rank"] for hit in found["hits"]] == [1, 2]
    assert error == "query: Input should be a valid string"


async def check_tools(session: ClientSession) -> None:
    await session.initialize()
    tools = (await session.list_tools()).tools
    assert [tool.name for tool in tools] == NAMES
    assert all(tool.annotations and tool.annotations.readOnlyHint for tool in tools)
    assert all(about["description"] for tool in tools for about in tool.inputSchema["properties"].values())
    answer = await session.call_tool("ask_papers", {"question": "is the code out?", "history": ["What is FRNet?"]})
    assert answer.structuredContent
    assert answer.structuredContent["standalone_question"] == "is the code out (FRNet)?"
    assert json.loads(answer.content[0].text) == answer.structuredContent
    for name, given, message in (
        ("search_papers", {}, "query: Missing required argument"),
        ("ask_papers", {"question": "x" * 5000}, "the question has 5,000 characters; at most 2,000 are allowed"),
        ("delete_thread", {}, f"there is no tool “delete_thread”; there are {', '.join(NAMES)}"),
    ):
        refused = await session.call_tool(name, given)
        assert (refused.isError, refused.content[0].text) == (True, message)


def in_session(open_streams: Callable[[], Any], work: Callable[[ClientSession], Awaitable[None]]) -> None:
    async def main() -> None:
        async with open_streams() as streams, ClientSession(streams[0], streams[1]) as session:
            await work(session)

    anyio.run(main)


def test_an_mcp_client_finds_and_calls_the_tools(url: str) -> None:
    in_session(lambda: streamable_http_client(f"{url}/mcp"), check_tools)


def test_an_mcp_client_may_start_the_server_itself(seed_index: Path) -> None:
    words = ["-m", "chatbot", "mcp", "--index", str(seed_index)]
    start = StdioServerParameters(command=sys.executable, args=words, env=dict(os.environ))
    in_session(lambda: stdio_client(start), check_tools)


def test_mcp_answers_only_to_this_machines_names(url: str) -> None:
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    accept = {"Accept": "application/json, text/event-stream"}
    assert httpx.post(f"{url}/mcp", json=asked, headers=accept).is_success
    for strange in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}):
        assert httpx.post(f"{url}/mcp", json=asked, headers=accept | strange).is_client_error


@pytest.mark.parametrize("command", [["serve", "--mcp"], ["mcp"]])
def test_without_the_extra_one_line_says_how_to_install_it(command: list[str]) -> None:
    start = f"import sys; sys.modules['mcp'] = None; sys.argv[1:] = {command}; from chatbot.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", start], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.strip().endswith("MCP needs a package; run: pip install 'paper-chatbot[mcp]'")


def test_where_one_has_to_sign_in_programs_have_to_as_well(seed_index: Path) -> None:
    with forked.Popen([sys.executable, "-c", WITH_ACCOUNT, seed_index], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        try:
            url = server.stdout.readline().strip().rstrip("/")
            assert post(url, "search_papers", "lidar").status_code == 401
            assert httpx.post(f"{url}/mcp", json={}).status_code == 401
            cookies = httpx.post(f"{url}/login", data={"username": "ann", "password": "secret"}).cookies
            body = {"data": ["lidar"]}
            assert httpx.post(f"{url}/gradio_api/call/search_papers", json=body, cookies=cookies).is_success
        finally:
            server.terminate()
