"""What programs may ask of the page's server: by name over HTTP, and by Gradio's client."""

import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st

from chatbot import PaperChatbot
from chatbot.errors import InputError
from chatbot.library import MOST_BYTES
from chatbot.ui.api import _complete
from tests import forked
from tests.conftest import API_NAMES, PLANTED_KEY

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
from tests.conftest import API_NAMES, PLANTED_KEY
bot = PaperChatbot(index=sys.argv[1])
page = build_page(bot)
options = launch_options()
options["app_kwargs"] |= mcp_app(bot, local=True)
_, url, _ = page.launch(auth=("ann", "secret"), quiet=True, prevent_thread_lock=True, **options)
print(url, flush=True)
page.block_thread()
"""


def post(api_url: str, name: str, *values: Any, **named: Any) -> httpx.Response:
    """Call as curl would: by position, or with names in the second form that Gradio knows."""
    if named:
        return httpx.post(f"{api_url}/gradio_api/call/v2/{name}", json=named)
    return httpx.post(f"{api_url}/gradio_api/call/{name}", json={"data": values})


def call(api_url: str, name: str, *values: Any, **named: Any) -> tuple[str, Any]:
    """Return the kind of the event that ends the call, and what it holds."""
    event = post(api_url, name, *values, **named).raise_for_status().json()["event_id"]
    lines = httpx.get(f"{api_url}/gradio_api/call/{name}/{event}", timeout=60).text.strip().splitlines()
    kind, data = lines[-2].removeprefix("event: "), json.loads(lines[-1].removeprefix("data: "))
    return kind, data[0] if kind == "complete" else data["error"]


def without_times(answer: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in answer.items() if key != "timings_ms"}


def test_answers_over_http_are_those_of_the_library(api_url: str, bot: PaperChatbot) -> None:
    _, found = call(api_url, "search_papers", "lidar", 2)
    assert call(api_url, "search_papers", query="lidar", top_k=2) == ("complete", found)
    assert len(found["hits"]) == 2
    _, paper = call(api_url, "get_paper", found["hits"][0]["paper_id"])
    assert paper["title"].startswith("FRNet")
    kind, answer = call(api_url, "ask_papers", "is the code out?", ["What is FRNet?"])
    expected = bot.ask("is the code out?", ["What is FRNet?"]).to_dict()
    assert (kind, without_times(answer)) == ("complete", json.loads(json.dumps(without_times(expected))))
    _, grid = call(api_url, "compare_papers", ["LiNeS", "FRUGAL"], ["data"])
    assert [row["title"][:6] for row in grid["comparison"]["papers"]] == ["LiNeS:", "FRUGAL"]


def test_calls_do_not_share_a_conversation(api_url: str) -> None:
    call(api_url, "ask_papers", "What is FRNet?")
    _, alone = call(api_url, "ask_papers", "is the code out?")
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
def test_what_cannot_be_used_is_refused_in_one_line(api_url: str, name: str, values: list[Any], message: str) -> None:
    assert call(api_url, name, *values) == ("error", message)


def test_calls_that_do_not_fit_an_endpoint_are_refused_at_once(api_url: str) -> None:
    for refused in (
        post(api_url, "search_papers"),
        post(api_url, "search_papers", "a", 1, 2),
        post(api_url, "get_paper", id="a"),
    ):
        assert refused.status_code == 422
        assert re.fullmatch(r"\w+: (missing|got an unexpected|too many) .*", refused.json()["error"])
    assert httpx.post(f"{api_url}/gradio_api/call/get_paper", content=b"{").status_code == 422


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


@hypothesis.settings(max_examples=40)
@hypothesis.given(st.sampled_from(API_NAMES), BODIES)
def test_any_body_is_taken_or_refused_in_one_line(api_url: str, name: str, body: bytes) -> None:
    answer = httpx.post(f"{api_url}/gradio_api/call/{name}", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in {200, 422}
    assert answer.status_code == 200 or "\n" not in answer.json()["error"]


# Left out is what keeps its connection open, or reads a megabyte for nothing.
HELD_OPEN = r"/heartbeat/|/queue/data|/dev/reload|/upload_progress|/svelte/|/assets/|/$"
DIRECT = ("/gradio_api/run/{api_name}", "/gradio_api/api/{api_name}")  # Gradio answers 500 to whatever an event refuses


@pytest.mark.parametrize("path", ["openapi.json", "gradio_api/openapi.json"])
def test_whatever_the_schema_allows_is_taken_or_refused_and_tells_nothing(
    api_url: str, seed_index: Path, path: str
) -> None:
    schema = schemathesis.openapi.from_url(f"{api_url}/{path}").exclude(path_regex=HELD_OPEN)
    secrets = (PLANTED_KEY, "Traceback", "site-packages", str(seed_index), "root:x:")

    @hypothesis.settings(
        max_examples=80,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(schema.as_strategy())
    def check(case: schemathesis.Case[Any]) -> None:
        answer = case.call(base_url=api_url, timeout=20, allow_redirects=False)
        assert answer.status_code < 500 or case.path in DIRECT
        assert not [secret for secret in secrets if secret in answer.text]

    check()
    assert call(api_url, "search_papers", "lidar", 1)[0] == "complete"


def test_a_visit_without_a_name_does_not_end_the_queue_for_all(api_url: str) -> None:
    event = next(each["id"] for each in httpx.get(f"{api_url}/config").json()["dependencies"] if each["api_name"])
    nameless = {"data": ["lidar", 1], "fn_index": event, "session_hash": ""}
    with ThreadPoolExecutor(20) as pool:
        joined = pool.map(
            lambda _: httpx.post(f"{api_url}/gradio_api/queue/join", json=nameless, timeout=60), range(30)
        )
    assert {answer.status_code for answer in joined} == {200}
    assert call(api_url, "search_papers", "lidar", 1)[0] == "complete"


def test_what_gradio_cannot_read_is_refused_and_the_queue_cannot_be_passed_by(api_url: str) -> None:
    for path, body in (
        ("upload", {"files": {"other": (None, "no file")}}),
        ("queue/join", {"json": {"data": [], "fn_index": 999, "session_hash": "x"}}),
        ("run/search_papers", {"json": {"data": ["lidar", 1]}}),
        ("api/search_papers", {"json": {"data": ["lidar", 1]}}),
    ):
        answer = httpx.post(f"{api_url}/gradio_api/{path}", **body)
        assert answer.is_client_error or answer.json() == []
    assert "event: error" in httpx.get(f"{api_url}/gradio_api/call/get_paper/no-such-event").text


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../../etc/passwd", "%2e%2e/%2e%2e/etc/passwd", "{index}/manifest.json"]
)
def test_no_file_of_this_machine_can_be_fetched(api_url: str, seed_index: Path, path: str) -> None:
    for route in ("gradio_api/file=", "file=", "gradio_api/file/", "static/", "assets/", "gradio_api/stream/"):
        answer = httpx.get(f"{api_url}/{route}{path.format(index=seed_index)}")
        assert "root:" not in answer.text
        assert "fingerprint" not in answer.text


def test_a_file_that_is_too_large_is_refused(api_url: str) -> None:
    def upload(size: int) -> int:
        files = {"files": ("a.jsonl", b"x" * size)}
        return httpx.post(f"{api_url}/gradio_api/upload", files=files, timeout=60).status_code

    assert upload(1000) == 200
    assert upload(MOST_BYTES + 1000) == 413


def test_nothing_else_of_the_page_has_a_name(api_url: str) -> None:
    info = httpx.get(f"{api_url}/gradio_api/info", params={"all_endpoints": "true"}).json()
    assert [*info["named_endpoints"], *info["unnamed_endpoints"]] == [f"/{name}" for name in API_NAMES]
    events = httpx.get(f"{api_url}/config").json()["dependencies"]
    assert [event["api_name"] for event in events if event["api_name"] is not None] == API_NAMES
    for name in ("reply", "_submit_fn", "_open", "_drop", "lambda", "None", "null"):
        assert post(api_url, name, "x").status_code == 404


def test_gradios_client_can_call_them(api_url: str) -> None:
    command = [sys.executable, "-c", CLIENT, api_url]
    names, found, error = json.loads(forked.run(command, check=True).stdout)
    assert names == [f"/{name}" for name in API_NAMES]
    assert [hit["rank"] for hit in found["hits"]] == [1, 2]
    assert error == "query: Input should be a valid string"


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
