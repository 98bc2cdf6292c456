"""Keys and passwords that were planted turn up in no answer, export, error, log line or file beside the index."""

import json
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from chatbot import PaperChatbot
from chatbot.errors import ChatbotError
from chatbot.serving.logs import logging_to_stderr
from tests import forked
from tests.conftest import make_record
from tests.model_behaviours import honest
from tests.model_server import ModelServer, Reply

KEY, PASSWORD = "sk-planted-in-the-key", "planted-in-the-address"
QUESTION = "What is studied in “On honey bees, part 1”?"
ECHO = Reply(f"wrong key {KEY} of user:{PASSWORD}", status=401)


@pytest.fixture
def index(tmp_path: Path) -> Path:
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(make_record(number)) + "\n" for number in range(3)) + "{half")
    PaperChatbot(index=tmp_path / "index", model="extractive").ingest(tmp_path / "a.jsonl")
    return tmp_path / "index"


def said_by_library(index: Path, access: dict[str, Any]) -> Iterator[str]:
    """Yield all that a reader sees of answers, good and failed, of a stored conversation and of errors."""
    bot = PaperChatbot(index=index, **access)
    thread = bot.threads.create("")
    for _ in range(2):
        answer = bot.ask(QUESTION)
        bot.threads.append("", thread.id, answer)
        bot.feedback.add(answer.to_dict(), liked=False, reason="no")
        yield json.dumps(answer.to_dict())
    yield bot.export("", thread.id)
    yield bot.export("", thread.id, bibtex=True)
    yield repr(bot.settings) + bot.settings.model_dump_json(exclude={"openai_base_url"}) + bot.settings.fingerprint()
    for wrong in ({"model": "openai:"}, {"model": "nobody:x"}, {"embedding": "openai:x"}, {"top_k": 0}):
        try:
            PaperChatbot(index=index, **access | wrong).ask(QUESTION)
        except ChatbotError as error:
            yield f"{error} {error!r}"


def test_what_is_secret_stays_so(server: ModelServer, index: Path) -> None:
    url = f"http://user:{PASSWORD}@{urlsplit(server.url).netloc}/v1"
    access: dict[str, Any] = {"openai_base_url": url, "openai_api_key": KEY, "model": "openai:x", "model_retries": 0}
    server.script(honest, ECHO)
    server.default = ECHO
    told = list(said_by_library(index, access))
    environment = os.environ | {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": KEY, "CHATBOT_INDEX": str(index)}
    for words in (["ask", QUESTION, "--json"], ["ask", QUESTION, "--embedding", "openai:x"], ["doctor"]):
        done = forked.run([sys.executable, "-m", "chatbot", *words], env=environment)
        told += [done.stdout, done.stderr]
    for path in index.rglob("*"):
        with suppress(IsADirectoryError):
            told.append(path.read_bytes().decode("latin-1"))
    assert len(told) > 20
    assert server.requests
    for text in told:
        assert KEY not in text
        assert PASSWORD not in text


def test_what_other_libraries_print_of_an_error_reaches_the_log_without_its_text(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with logging_to_stderr():
        try:
            raise ValueError(f"cannot make sense of “{QUESTION}”")
        except ValueError:
            traceback.print_exc()
        print(QUESTION, file=sys.stderr)
    (line,) = map(json.loads, capsys.readouterr().err.splitlines())
    assert (line["event"], line["error"]) == ("error", "ValueError")
    assert line["where"].startswith("test_secrets.py:")
    assert QUESTION not in str(line)
