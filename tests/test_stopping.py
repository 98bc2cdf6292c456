"""The end of a server, gentle or not, and the queue that it does not wait for."""

import shutil
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from chatbot import PaperChatbot
from tests.model_behaviours import honest, sent
from tests.model_server import ModelServer
from tests.page_server import QUESTION, Visitor, serving


@pytest.fixture
def index(seed_index: Path, tmp_path: Path) -> Path:
    return shutil.copytree(seed_index, tmp_path / "index")


@pytest.fixture
def model(server: ModelServer) -> ModelServer:
    server.default = honest
    return server


@pytest.fixture
def slow(model: ModelServer, index: Path, tmp_path: Path) -> Callable[..., Any]:
    """Return what starts a page whose model is the scripted one, at any speed."""
    return lambda **settings: serving(index, model, tmp_path / "log", "--log-questions", **settings)


def test_a_stopping_server_lets_an_answer_be_finished(
    slow: Callable[..., Any], model: ModelServer, index: Path
) -> None:
    model.default = sent(honest, pause=0.02)
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
