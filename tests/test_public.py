"""What whoever does not have to sign in can do to a server: to a public one, a private one, and a shared one."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any

import httpx
import pytest

from chatbot import PaperChatbot
from chatbot.serving import Accounts
from tests import forked
from tests.conftest import make_record

# Starts the command where Gradio's share service, which is on the internet, is another.
SHARED = """
import sys
from gradio import networking
reached, sys.argv[1:] = sys.argv[1], sys.argv[2:]
def tunnel(*given, **named):
    if reached == "no":
        raise RuntimeError("Could not get share link from Gradio API Server.")
    return "https://shared.example"
networking.setup_tunnel = tunnel
from chatbot.cli import main
main()
"""


@contextmanager
def serving(index: Path, *options: str, **settings: str) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "chatbot", "serve", "--index", str(index), "--port", str(port), *options]
    with forked.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | settings) as process:
        assert process.stdout
        try:
            next(line for line in process.stdout if "Ask at" in line)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of two papers in which somebody had a conversation."""
    folder = tmp_path_factory.mktemp("public")
    (folder / "papers.jsonl").write_text("".join(json.dumps(make_record(n)) + "\n" for n in range(2)))
    bot = PaperChatbot(index=folder / "index", model="extractive")
    bot.ingest(folder / "papers.jsonl")
    thread = bot.threads.create("").id
    bot.threads.append("", thread, bot.ask("What is the effect on honey bees?"))
    return folder / "index"


@pytest.fixture(scope="module")
def public(index: Path) -> Iterator[str]:
    options = ("--host", "0.0.0.0", "--public", "--mcp")
    with serving(index, *options, CHATBOT_QUESTIONS_PER_MINUTE="3") as url:
        yield url


def call_every_event(url: str) -> str:
    """Send every event of the page with what could do harm, and with nothing. Return what is told."""
    config, session, told = httpx.get(f"{url}/config").json(), uuid.uuid4().hex, ""
    kinds = {part["id"]: part["type"] for part in config["components"]}
    events = [(each["id"], [kinds[part] for part in each["inputs"]]) for each in config["dependencies"]]
    for (event, inputs), text in product(events, (json.dumps(make_record(7)), "")):
        if not text and "textbox" not in inputs:
            continue  # the same was just sent
        data = [text if kind == "textbox" else None for kind in inputs]
        join = {"data": data, "fn_index": event, "session_hash": session}
        if httpx.post(f"{url}/gradio_api/queue/join", json=join, timeout=60).is_success:
            told += httpx.get(f"{url}/gradio_api/queue/data", params={"session_hash": session}, timeout=60).text
    return told


def describe(index: Path) -> dict[str, Any]:
    """Return what is kept in the folder of an index."""
    bot = PaperChatbot(index=index, model="extractive")
    return {
        "papers": sorted(paper.id for paper in bot.papers()),
        "conversations": [(thread.name, thread.questions) for thread in bot.threads.list("")],
        "files": sorted(path.name for path in index.iterdir()),
    }


def test_nobody_changes_anything_on_a_public_server_or_reads_what_was_said(public: str, index: Path) -> None:
    before = describe(index)
    told = call_every_event(public)
    assert describe(index) == before
    assert "process_completed" in told
    assert httpx.post(f"{public}/gradio_api/upload", files={"files": b"x"}).status_code == 403
    assert "What is the effect on honey bees?" not in told


def test_on_a_private_server_the_page_changes_things_and_only_pages_of_this_machine_do(
    index: Path, tmp_path: Path
) -> None:
    shutil.copytree(index, tmp_path / "index")
    with serving(tmp_path / "index") as url:
        for name in ("evil.example", f"evil.example:{url.rpartition(':')[2]}"):
            assert httpx.get(f"{url}/config", headers={"Host": name}).status_code == 400
            assert httpx.post(f"{url}/gradio_api/call/nothing", headers={"Host": name}).status_code == 400
        form = json.dumps({"data": [json.dumps(make_record(7)), None], "fn_index": 0, "session_hash": "x"})
        sent = httpx.post(f"{url}/gradio_api/queue/join", content=form, headers={"Content-Type": "text/plain"})
        assert sent.status_code == 422  # what another site's form could send without being asked back
        before = describe(tmp_path / "index")
        told = call_every_event(url)
        assert describe(tmp_path / "index")["papers"] != before["papers"]
        assert "What is the effect on honey bees?" in told


def call_tool(url: str, name: str, visitor: str, **given: Any) -> dict[str, Any]:
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": given}}
    headers = {"Accept": "application/json, text/event-stream", "X-Forwarded-For": visitor}
    result: dict[str, Any] = httpx.post(f"{url}/mcp", json=asked, headers=headers, timeout=60).json()["result"]
    return result


def test_calls_by_mcp_count_like_questions(public: str) -> None:
    answers = [call_tool(public, "search_papers", "192.0.2.1", query="bees") for _ in range(4)]
    assert [answer["isError"] for answer in answers] == [False] * 3 + [True]
    assert "wait a moment and try again" in answers[-1]["content"][0]["text"]
    assert not call_tool(public, "search_papers", "192.0.2.2", query="bees")["isError"]


def share(reached: str, *options: str) -> list[str]:
    """Return what is printed until the server tells whether there is a public address."""
    command = [sys.executable, "-c", SHARED, reached, "serve", "--share", "on", *options]
    with forked.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        lines = []
        for line in process.stdout:
            lines.append(line.strip())
            if re.match("From anywhere|No public", line):
                process.terminate()
        return lines


def test_a_public_address_is_made_where_one_has_to_sign_in_and_a_line_tells_when_it_cannot(
    index: Path, tmp_path: Path
) -> None:
    Accounts(tmp_path / "accounts.json").set("ann", "correct horse")
    known = ("--index", str(index), "--auth", str(tmp_path / "accounts.json"))
    assert share("yes", *known)[-1] == "From anywhere: https://shared.example"
    starting, local, last = share("no", *known)
    assert (starting, local[:6]) == ("Starting the page …", "Ask at")
    assert last.startswith("No public address: Gradio's share service was not reached")
