"""The page as a service: signing in, whose conversations are whose, limits and the log."""

import json
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from chatbot import PaperChatbot
from chatbot.comparer import MOST_COLUMNS
from chatbot.library import MOST_BYTES
from chatbot.serving import Accounts
from chatbot.serving.door import MOST_UNKNOWN
from tests import forked
from tests.model_behaviours import honest
from tests.model_server import ModelServer, model_server
from tests.page_server import KEY, PASSWORD, Server, Visitor, serving


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


def find_event(visitor: Visitor, elem_id: str, name: str) -> int:
    config = visitor.get("config").json()
    part = next(part["id"] for part in config["components"] if part["props"].get("elem_id") == elem_id)
    return next(int(each["id"]) for each in config["dependencies"] if [part, name] in each["targets"])


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
    join = {"data": [thread], "fn_index": find_event(bob, "thread-list", "input"), "session_hash": bob.session}
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


def test_a_session_of_ones_own_beside_another_users_opens_nothing(served: Server) -> None:
    ann, bob = enter(served, "ann"), enter(served, "bob")
    event, own = (visitor.send("What is Hopular?").json()["event_id"] for visitor in (ann, bob))
    hers = {"data": [], "fn_index": 0, "session_hash": ann.session, "event_id": ""}
    beside = f"?session_hash={bob.session}"
    for path in (f"queue/join{beside}", f"cancel{beside}", f"component_server{beside}", f"stream/{own}"):
        assert bob.post(path, **hers).status_code == 404
    assert bob.post("cancel", session_hash=bob.session, fn_index=0, event_id=event).status_code == 404
    for sessions in ((bob.session, ann.session), (ann.session, bob.session)):
        assert bob.get("gradio_api/queue/data", params={"session_hash": sessions}).status_code == 404
    for kinds in (("application/json", "multipart/form-data"), ("application/x-www-form-urlencoded",)):
        sent = httpx.post(
            f"{served.url}/gradio_api/queue/join",
            content=json.dumps(hers),
            headers=[("content-type", kind) for kind in kinds],
            cookies=bob.cookies,
        )
        assert sent.status_code == 404
    form = {"session_hash": (None, ann.session), "component_id": (None, "0"), "fn_name": (None, "x")}
    sent = httpx.post(f"{served.url}/gradio_api/component_server", files=form, cookies=bob.cookies)
    assert sent.status_code == 422
    for path in (f"call/ask_papers/{event}", f"call/v2/ask_papers/{event}"):
        assert bob.get(f"gradio_api/{path}").status_code == 404
    assert "event: complete" in ann.get(f"gradio_api/call/ask_papers/{event}").text


@pytest.mark.parametrize("path", ["gradio_api/queue/join", "gradio_api/call/search_papers", "login"])
def test_a_body_that_is_too_large_is_not_read_to_its_end(served: Server, path: str) -> None:
    def send(visitor: Visitor, size: int) -> int:
        body = b'{"data": ["' + b"x" * size + b'"]}'
        return httpx.post(f"{served.url}/{path}", content=body, cookies=visitor.cookies, timeout=60).status_code

    assert send(Visitor(served.url), MOST_UNKNOWN) == 413
    assert send(enter(served, "bob"), MOST_UNKNOWN) in {200, 400, 422}
    assert send(enter(served, "bob"), MOST_BYTES) == 413


def test_answers_do_not_mix_when_many_ask_at_once(served: Server) -> None:
    names = ("FRNet", "LiNeS", "Hopular", "FRUGAL", "YOLOv9", "Bristle")

    entered = enter(served, "cem"), enter(served, "dee")

    def visit() -> list[Visitor]:
        return [Visitor(served.url, cookies=entered[at % 2].cookies) for at in range(len(names))]

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


def test_grids_and_reasons_count_like_questions(served: Server) -> None:
    Accounts(served.log.with_name("accounts.json")).set("hal", PASSWORD)
    hal = enter(served, "hal")
    hal.ask("What is FRNet?")

    def send(event: int, *data: Any) -> str:
        hal.post("queue/join", data=data, fn_index=event, session_hash=hal.session).raise_for_status()
        return hal.get("gradio_api/queue/data", params={"session_hash": hal.session}).text

    parts = {part["props"].get("elem_id"): part["props"] for part in hal.get("config").json()["components"]}
    (_, paper), *_ = parts["compared"]["choices"]
    grid = send(find_event(hal, "compared", "change"), [paper], [f"column {n}" for n in range(20)], None)
    assert grid.count("<th scope='col'>") == 1 + MOST_COLUMNS
    asked = find_event(hal, "why-asked", "change")
    told = [send(asked, None, json.dumps({"place": 1, "name": "LiNeS"})) for _ in range(7)]
    assert ["wait a moment and try again" in each for each in told] == [False] * 6 + [True]
    assert [line["status"] for line in served.lines("answer")[-3:]] == ["told", "told", "Busy"]


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


def test_whoever_is_removed_or_gets_another_password_is_signed_out_and_nobody_else(served: Server) -> None:
    accounts, ann = Accounts(served.log.with_name("accounts.json")), enter(served, "ann")
    accounts.set("gil", PASSWORD)
    gil, unused = enter(served, "gil"), enter(served, "gil")
    assert gil.get("config").status_code == 200
    accounts.set("gil", PASSWORD[::-1])
    assert gil.sign_in(PASSWORD[::-1]).status_code == 200
    assert gil.get("config").status_code == 200
    assert unused.get("config").status_code == 401
    accounts.remove("gil")
    assert gil.get("config").status_code == 401
    assert ann.get("config").status_code == 200


def test_a_port_that_is_none_is_refused(run: Callable[..., Any]) -> None:
    refused = run("serve", "--port", "70000")
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr


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

        assert megabytes_after(20) + 10 > megabytes_after(100)


def test_no_table_is_made_of_the_calls_that_were_answered(index: Path) -> None:
    program = f"""
from chatbot import PaperChatbot
from chatbot.ui import build_page
queue = build_page(PaperChatbot(index={str(index)!r}))._queue
queue.events_recorded = 1000
call = dict(function="ask_papers", status="success", process_time=0.1)
print(queue.compute_analytics_summary([call]), queue.ANALYTICS_MAX_EVENTS)
"""
    assert forked.run([sys.executable, "-c", program], check=True).stdout == "{'functions': {}} 1\n"
