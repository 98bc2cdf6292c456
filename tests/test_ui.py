"""The page: served by the command in a process of its own, and asked through its own interface."""

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatbot import PaperChatbot
from chatbot.ui import format_answer, suggest_questions

# In a process of its own, because the client leaves sockets to the garbage collector.
CLIENT = """
import json, sys
from gradio_client import Client
client = Client(sys.argv[1], verbose=False)
print(json.dumps([str(client.predict(question, api_name="/reply")) for question in json.loads(sys.argv[2])]))
"""


@pytest.fixture(scope="module")
def url(seed_index: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "chatbot", "serve", "--index", str(seed_index), "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        for line in server.stdout:
            if found := re.search(r"http://\S+", line):
                yield found.group()
                break
        server.terminate()


def converse(url: str, *questions: str) -> list[str]:
    command = [sys.executable, "-c", CLIENT, url, json.dumps(questions)]
    replies: list[str] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return replies


def test_conversation_over_http(url: str) -> None:
    first, second, refused = converse(url, "What is FRNet?", "is the code out?", "x" * 5000)
    assert "we propose FRNet" in first
    assert "Searched for: is the code out (FRNet)?" in second
    assert "github.com/Xiangxu-0103/FRNet" in second
    assert "at most 2,000" in refused


def test_sessions_do_not_share_a_conversation(url: str) -> None:
    converse(url, "What is FRNet?")
    (alone,) = converse(url, "is the code out?")
    assert "FRNet" not in alone


def test_answers_name_their_sources(bot: PaperChatbot) -> None:
    text = format_answer(bot.ask("Compare LiNeS with FRUGAL"))
    assert re.search(r"\*\*Sources\*\*\n- \[1\].* LiNeS: .*\n- \[\d\].* FRUGAL: ", text)


def test_suggested_questions_can_all_be_answered(bot: PaperChatbot) -> None:
    questions = suggest_questions(bot)
    assert len(questions) == 4
    assert {bot.ask(question).status for question in questions} == {"answered"}
