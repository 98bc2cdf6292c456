"""The page as a service: signing in, whose conversations are whose, limits, the log, and the end of a server."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from chatbot import PaperChatbot
from chatbot.serving import Accounts
from tests import forked
from tests.model_behaviours import honest, sent
from tests.model_server import ModelServer, model_server

KEY = "sk-planted-0123456789"
PASSWORD = "correct horse"
QUESTION = "How many times faster does FRNet operate?"


@dataclass
class Visitor:
    """A browser of its own: cookies, and a session of the page."""

    url: str
    name: str = ""
    session: str = field(default_factory=lambda: uuid.uuid4().hex)
    cookies: httpx.Cookies = field(default_factory=httpx.Cookies)

    def sign_in(self, password: str = PASSWORD) -> httpx.Response:
        answer = httpx.post(f"{self.url}/login", data={"username": self.name, "password": password})
        self.cookies.update(answer.cookies)
        return answer

    def get(self, path: str, **more: Any) -> httpx.Response:
        return httpx.get(f"{self.url}/{path}", cookies=self.cookies, timeout=60, **more)

    def post(self, path: str, **body: Any) -> httpx.Response:
        return httpx.post(f"{self.url}/gradio_api/{path}", cookies=self.cookies, json=body, timeout=60)

    def send(self, question: str, session: str = "") -> httpx.Response:
        """Send a question as the page does, in this visitor's session or another's."""
        page = self.get("config").json()
        plain = {part["id"] for part in page.get("components", ()) if part["type"] == "json"}
        events = page.get("dependencies", ())
        unknown: dict[str, Any] = {"id": 0, "inputs": ()}
        reply = next((event for event in events if plain & set(event["outputs"])), unknown)
        data = [question, *[None for _ in reply["inputs"][1:]]]
        return self.post("queue/join", data=data, fn_index=reply["id"], session_hash=session or self.session)

    def ask(self, question: str) -> str:
        """Return the answer to a question, or the error in its place."""
        self.send(question).raise_for_status()
        sent = self.get(f"gradio_api/queue/data?session_hash={self.session}").text.splitlines()
        events = [json.loads(line.removeprefix("data: ")) for line in sent if line]
        done = next(event for event in reversed(events) if event["msg"] == "process_completed")
        return str(done["output"]["data"][0] if done["success"] else done["output"]["error"])


@dataclass
class Server:
    url: str
    process: subprocess.Popen[str]
    log: Path

    def lines(self, event: str = "") -> list[dict[str, Any]]:
        found = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [line for line in found if not event or line["event"] == event]


@contextmanager
def serving(index: Path, model: ModelServer, log: Path, *options: str, **settings: str) -> Iterator[Server]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        options = (*options, "--port", str(free.getsockname()[1]), "--model", "openai:scripted")
    command = [sys.executable, "-m", "chatbot", "serve", "--index", str(index), *options]
    environment = os.environ | {"OPENAI_BASE_URL": model.url, "OPENAI_API_KEY": KEY} | settings
    with (
        log.open("w") as errors,
        forked.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment) as process,
    ):
        assert process.stdout
        try:
            url = next(found[0] for line in process.stdout if (found := re.search(r"http://[^\s/]+", line)))
            yield Server(url, process, log)
        finally:
            process.kill()


@pytest.fixture(scope="module")
def model() -> Iterator[ModelServer]:
    with model_server() as running:
        running.default = honest
        yield running


@pytest.fixture(scope="module")
def index(seed_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("serving") / "index"
    shutil.copytree(seed_index, folder)
    return folder


@pytest.fixture(scope="module")
def served(index: Path, model: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with accounts, where each visitor may ask eight questions a minute."""
    accounts = Accounts(tmp_path_factory.mktemp("accounts") / "accounts.json")
    for name in ("ann", "bob", "cem", "dee", "eve", "fay"):
        accounts.set(name, PASSWORD)
    log, options = accounts.path.with_name("log"), ("--auth", str(accounts.path))
    with serving(index, model, log, *options, CHATBOT_QUESTIONS_PER_MINUTE="8") as server:
        yield server


def enter(server: Server, name: str) -> Visitor:
    visitor = Visitor(server.url, name)
    assert visitor.sign_in().status_code == 200
    return visitor


def test_only_the_right_password_lets_in(served: Server) -> None:
    ann = Visitor(served.url, "ann")
    assert ann.get("config").status_code == 401
    assert ann.send("What is FRNet?").status_code == 401
    assert ann.sign_in("wrong").status_code == 400
    assert ann.get("config").status_code == 401
    assert ann.sign_in().status_code == 200
    assert ann.get("config").status_code == 200
    assert "FRNet" in ann.ask("What is FRNet?")


def test_tries_to_guess_a_password_are_slowed(served: Server) -> None:
    eve = Visitor(served.url, "eve")
    assert [eve.sign_in("guess").status_code for _ in range(5)] == [400] * 5
    refused = eve.sign_in()
    assert (refused.status_code, refused.json()["detail"]) == (400, "too many tries; wait a minute and try again")


def test_a_name_that_is_not_there_takes_as_long_as_a_wrong_password(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path / "accounts.json")
    accounts.set("ann", PASSWORD)

    def measure(name: str) -> float:
        started = time.process_time()
        assert not accounts.check(name, "wrong")
        return time.process_time() - started

    measure("nobody")  # makes the hash that nobody's password has
    there, missing = (min(measure(name) for _ in range(3)) for name in ("ann", "nobody"))
    assert 0.4 < missing / there < 2.5


def test_each_user_has_their_own_conversations(served: Server, index: Path) -> None:
    ann, bob = enter(served, "ann"), enter(served, "bob")
    ann.ask("What is Hopular?")
    bob.ask("What is LiNeS?")
    store = PaperChatbot(index=index).threads
    assert "What is Hopular?" in {thread.name for thread in store.list("ann")}
    assert {thread.name for thread in store.list("bob")} == {"What is LiNeS?"}
    assert store.list("") == []


def test_nobody_reads_what_is_another_users_by_knowing_its_id(served: Server, index: Path) -> None:
    ann, bob = enter(served, "ann"), enter(served, "bob")
    ann.ask("What is Hopular?")
    thread = next(each.id for each in PaperChatbot(index=index).threads.list("ann"))
    config = bob.get("config").json()
    listed = next(part["id"] for part in config["components"] if part["props"].get("elem_id") == "thread-list")
    open_thread = next(each["id"] for each in config["dependencies"] if [listed, "input"] in each["targets"])
    join = {"data": [thread], "fn_index": open_thread, "session_hash": bob.session}
    assert bob.post("queue/join", **join).status_code == 200
    told = bob.get("gradio_api/queue/data", params={"session_hash": bob.session}).text
    assert '"success":false' in told
    assert "Hopular" not in told
    # Nor by knowing the session in which she has it open.
    assert bob.post("queue/join", **join | {"session_hash": ann.session}).status_code == 404
    assert bob.send("and its code?", ann.session).status_code == 404
    assert bob.get("gradio_api/queue/data", params={"session_hash": ann.session}).status_code == 404
    assert bob.get(f"gradio_api/heartbeat/{ann.session}").status_code == 404
    assert Visitor(served.url).post("cancel", session_hash=ann.session, fn_index=0, event_id="").status_code == 404


def test_answers_do_not_mix_when_many_ask_at_once(served: Server) -> None:
    names = ("FRNet", "LiNeS", "Hopular", "FRUGAL", "YOLOv9", "Bristle")

    def visit() -> list[Visitor]:
        return [enter(served, "cem" if at % 2 else "dee") for at in range(len(names))]

    def ask(visitor: Visitor, name: str) -> str:
        return visitor.ask(f"What is {name}?")

    alone = list(map(ask, visit(), names))
    together = visit()
    with ThreadPoolExecutor(len(names)) as pool:
        assert list(pool.map(ask, together, names)) == alone
    assert len(set(alone)) == len(names)


def test_health_is_told_to_everyone_and_tells_nothing_of_users(served: Server) -> None:
    answer = Visitor(served.url).get("healthz")
    assert (answer.status_code, answer.json()) == (
        200,
        {"status": "ok", "papers": 59, "model": "openai:scripted"},
    )


def test_whoever_asks_very_often_is_asked_to_wait(served: Server) -> None:
    fay = enter(served, "fay")
    answers = [fay.ask("What is FRNet?") for _ in range(9)]
    assert ["wait a moment and try again" in answer for answer in answers] == [False] * 8 + [True]


def test_the_log_tells_what_happened_and_not_what_was_asked(served: Server) -> None:
    ann = enter(served, "ann")
    ann.ask("What is quixotically secret?")
    ann.get("nothing?key=hidden-in-the-address")
    (answer,) = served.lines("answer")[-1:]
    assert answer["status"] in {"answered", "abstained"}
    assert answer["ms"] > 0
    assert re.fullmatch(r"[0-9a-f]{12}", answer["user"])
    assert {"started", "sign in", "request", "answer"} <= {line["event"] for line in served.lines()}
    text = served.log.read_text()
    for secret in ("quixotically", "Hopular", PASSWORD, KEY, "hidden-in-the-address", ann.session, '"ann"'):
        assert secret not in text


def test_a_removed_user_is_signed_out(index: Path, served: Server) -> None:
    path = served.log.with_name("accounts.json")
    Accounts(path).set("gil", PASSWORD)
    gil = enter(served, "gil")
    assert gil.get("config").status_code == 200
    Accounts(path).remove("gil")
    assert gil.get("config").status_code == 401


@pytest.fixture
def slow(model: ModelServer, index: Path, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    yield lambda **settings: serving(index, model, tmp_path / "log", "--log-questions", **settings)
    model.default = honest


def test_a_stopping_server_lets_an_answer_be_finished(
    slow: Callable[..., Any], model: ModelServer, index: Path
) -> None:
    model.default = sent(honest, pause=0.04)
    with slow() as server, ThreadPoolExecutor(2) as pool:
        visitor = Visitor(server.url)
        with httpx.stream("GET", f"{server.url}/gradio_api/heartbeat/{visitor.session}", timeout=30) as beating:
            next(beating.iter_lines())
            before = len(model.requests)
            answer = pool.submit(visitor.ask, QUESTION)
            while not any(request.sent > 1 for request in model.requests[before:]):
                time.sleep(0.02)
            server.process.send_signal(signal.SIGTERM)
            text = answer.result(timeout=30)
        assert server.process.wait(timeout=15) == 0
        assert "**Sources**" in text
        with pytest.raises(httpx.ConnectError):
            visitor.get("healthz")
        (line,) = server.lines("answer")
        assert (line["status"], line["question"]) == ("answered", QUESTION)
    assert QUESTION in {thread.name for thread in PaperChatbot(index=index).threads.list("")}


def test_a_server_that_is_killed_has_kept_every_answer_that_it_gave(slow: Callable[..., Any], index: Path) -> None:
    question = "What does FRNet segment?"
    with slow() as server:
        told = Visitor(server.url).ask(question)
        server.process.kill()
        server.process.wait()
    store = PaperChatbot(index=index).threads
    thread = next(thread for thread in store.list("") if thread.name == question)
    assert [answer["question"] for answer in store.answers("", thread.id)] == [question]
    assert "**Sources**" in told


def test_a_full_queue_is_told_at_once_and_a_stopping_server_does_not_wait_for_ever(
    slow: Callable[..., Any], model: ModelServer
) -> None:
    model.default = sent(honest, stall_after=2)
    with slow(CHATBOT_ANSWERS_AT_ONCE="1", CHATBOT_QUEUE_SIZE="1", CHATBOT_STOP_SECONDS="1") as server:
        before = len(model.requests)
        told = [Visitor(server.url).send(QUESTION) for _ in range(6)]
        assert {answer.status_code for answer in told} == {200, 503}
        assert "Queue is full" in told[-1].text
        while not any(request.sent > 1 for request in model.requests[before:]):
            time.sleep(0.02)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=15) == 0
        assert server.lines("stopped")[0]["cut"] == 1


@pytest.mark.parametrize("options", [["--host", "0.0.0.0"], ["--share", "on"]])
def test_nothing_is_opened_to_others_without_accounts_or_a_word(run: Callable[..., Any], options: list[str]) -> None:
    refused = run("serve", *options)
    assert refused.returncode == 1
    assert "--public" in refused.stderr


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="this system does not tell a process's memory")
def test_a_program_that_calls_all_day_does_not_fill_the_memory(index: Path, model: ModelServer, tmp_path: Path) -> None:
    settings = {"CHATBOT_VISITS_KEPT": "5", "CHATBOT_QUESTIONS_PER_MINUTE": "100000"}
    with serving(index, model, tmp_path / "log", **settings) as server, httpx.Client(timeout=60) as client:

        def megabytes_after(calls: int) -> float:
            url = f"{server.url}/gradio_api/call/get_paper"
            for _ in range(calls):
                event = client.post(url, json={"data": ["no such paper"]}).json()["event_id"]
                assert "event: " in client.get(f"{url}/{event}").text
            status = Path(f"/proc/{server.process.pid}/status").read_text()
            return int(status.split("VmRSS:")[1].split()[0]) / 1024

        assert megabytes_after(30) + 20 > megabytes_after(200)
