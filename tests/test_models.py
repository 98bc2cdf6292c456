"""From a model's name to a chat model, against a real server on this machine; and what is said when one fails."""

import json
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from chatbot.errors import InputError, ModelError, ModelMissing
from chatbot.local_model import TransformersChat
from chatbot.models import LINES, explain, load_model, resolve_model
from chatbot.settings import Settings, load_settings
from tests.test_local_model import save_model

KEY = "sk-secret-123"
QUESTION = "a private question"


class Server(ThreadingHTTPServer):
    """Answers "Hello there." in the OpenAI form, with ``faults`` (status and body) and ``delay`` (seconds) first."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.offered = ["text-embedding-small", "served-model"]
        self.faults: list[tuple[int, str]] = []
        self.delay = 0.0
        self.requests: list[dict[str, Any]] = []
        self.url = f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, *_: Any) -> None:
        """Keep quiet about clients that did not wait."""


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.respond(200, json.dumps({"object": "list", "data": [{"id": name} for name in self.server.offered]}))

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(asked | {"authorization": self.headers["Authorization"]})
        time.sleep(self.server.delay)
        if self.server.faults:
            self.respond(*self.server.faults.pop(0))
        elif asked.get("stream"):
            usage = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
            pieces = [{"choices": [{"index": 0, "delta": {"content": text}}]} for text in ("Hello", " there.")]
            events = [json.dumps(piece) for piece in [*pieces, {"choices": [], "usage": usage}]] + ["[DONE]"]
            self.respond(200, "".join(f"data: {event}\n\n" for event in events), "text/event-stream")
        else:
            message = {"role": "assistant", "content": "Hello there."}
            self.respond(200, json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}))

    def respond(self, status: int, body: str, kind: str = "application/json") -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": len(body), "retry-after-ms": "10"}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def behind(server: Server, **options: Any) -> Settings:
    return load_settings(openai_base_url=server.url, **options)


def ask(name: str, settings: Settings) -> Any:
    """Return the model's answer to QUESTION; failures come as the line that the user would see."""
    model = load_model(name, settings)
    assert model is not None
    try:
        return model.invoke(QUESTION)
    except Exception as error:
        raise explain(error, resolve_model(name, settings)) from error


def test_auto_without_key_or_server_is_extractive() -> None:
    assert load_settings().model == "auto"
    assert resolve_model("auto", load_settings()) == "extractive"
    assert load_model("auto", load_settings()) is None
    assert load_model("extractive", load_settings(openai_api_key=KEY)) is None


def test_auto_with_a_key_is_openai(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert resolve_model("auto", load_settings()) == "openai:gpt-5-mini"
    assert KEY not in repr(load_settings())


def test_auto_behind_a_base_url_asks_the_server_for_its_model(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    assert resolve_model("auto", load_settings()) == "openai:served-model"
    assert resolve_model("openai:other", load_settings()) == "openai:other"
    server.offered = []
    with pytest.raises(ModelError, match="offers no model"):
        resolve_model("auto", load_settings())


def test_a_server_of_ones_own_needs_no_key_and_gets_the_limits(server: Server) -> None:
    assert ask("openai:mine", behind(server, max_answer_tokens=50)).content == "Hello there."
    (asked,) = server.requests
    assert (asked["model"], asked["temperature"], asked["max_tokens"]) == ("mine", 0, 50)
    assert "max_completion_tokens" not in asked
    ask("openai:mine", behind(server, openai_api_key=KEY))
    assert server.requests[-1]["authorization"] == f"Bearer {KEY}"


def test_a_stream_brings_its_usage(server: Server) -> None:
    model = load_model("openai:mine", behind(server))
    assert model is not None
    chunks = list(model.stream(QUESTION))
    assert "".join(str(chunk.content) for chunk in chunks) == "Hello there."
    assert [chunk.usage_metadata["total_tokens"] for chunk in chunks if chunk.usage_metadata] == [9]
    assert server.requests[0]["stream_options"] == {"include_usage": True}


def test_a_model_that_thinks_gets_room_for_it_and_no_temperature() -> None:
    payloads = {}
    for name in ("gpt-5-mini", "o4-mini", "gpt-4.1"):
        model: Any = load_model(f"openai:{name}", load_settings(openai_api_key=KEY))
        payloads[name] = model._get_request_payload("hi")
    assert payloads["gpt-4.1"]["temperature"] == 0
    assert payloads["gpt-4.1"]["max_completion_tokens"] == 800
    for name in ("gpt-5-mini", "o4-mini"):
        assert "temperature" not in payloads[name]
        assert payloads[name]["reasoning_effort"] == "low"
        assert payloads[name]["max_completion_tokens"] > 2000


def test_a_folder_is_loaded_in_this_process(tmp_path: Path) -> None:
    model = load_model(f"huggingface:{save_model(tmp_path)}", load_settings(max_answer_tokens=3, model_timeout=9))
    assert isinstance(model, TransformersChat)
    assert (model.max_tokens, model.timeout) == (3, 9)


def test_a_missing_package_is_named_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "langchain_openai", None)
    with pytest.raises(ModelMissing, match=r"run: pip install 'paper-chatbot\[openai\]'"):
        load_model("auto", load_settings(openai_api_key=KEY))
    monkeypatch.setitem(sys.modules, "langchain_ollama", None)
    with pytest.raises(ModelMissing, match=r"run: pip install 'paper-chatbot\[ollama\]'"):
        load_model("ollama:llama3", load_settings())
    monkeypatch.setitem(sys.modules, "langchain_anthropic", None)
    with pytest.raises(ModelMissing, match="run: pip install langchain-anthropic"):
        load_model("anthropic:claude-haiku-4-5", load_settings())


@pytest.mark.parametrize("name", ["gpt", "", "nobody:model", "huggingface:", "ollama"])
def test_an_unknown_name_gets_the_list_of_choices(name: str) -> None:
    with pytest.raises(InputError, match="use auto, extractive, openai:MODEL"):
        load_model(name, load_settings())


def test_openai_itself_needs_a_key() -> None:
    with pytest.raises(ModelError, match="set OPENAI_API_KEY") as caught:
        load_model("openai:gpt-5-mini", load_settings())
    assert caught.value.kind == "key"


def test_a_busy_server_is_asked_again_and_then_given_up(server: Server) -> None:
    server.faults = [(429, "{}"), (500, "{}")]
    assert ask("openai:mine", behind(server, model_retries=2)).content == "Hello there."
    assert len(server.requests) == 3
    server.faults = [(429, "{}")] * 9
    with pytest.raises(ModelError, match="too many requests") as caught:
        ask("openai:mine", behind(server, model_retries=1))
    assert (caught.value.kind, len(server.requests)) == ("rate", 5)


ECHO = json.dumps({"error": {"message": f"Incorrect API key provided: {KEY}, question: {QUESTION}"}})
LONG = json.dumps({"error": {"message": f"This model's maximum context length is 9 tokens: {QUESTION}"}})


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (401, ECHO, "key", "openai:mine refused the key; check OPENAI_API_KEY"),
        (403, ECHO, "key", "check OPENAI_API_KEY"),
        (404, ECHO, "not_found", "the server does not know openai:mine"),
        (400, ECHO, "refused", "(HTTP 400)"),
        (400, LONG, "context", "longer than openai:mine can read"),
        (429, '{"error": {"code": "insufficient_quota"}}', "quota", "quota is used up"),
        (500, ECHO, "server", "failed (HTTP 500)"),
        (503, "<html>", "server", "failed (HTTP 503)"),
        (200, "{broken", "broken", "cannot be read"),
        (200, '{"choices": null}', "broken", "cannot be read"),
    ],
)
def test_each_fault_is_one_line_without_key_and_question(
    server: Server, status: int, body: str, kind: str, message: str
) -> None:
    server.faults = [(status, body)]
    with pytest.raises(ModelError) as caught:
        ask("openai:mine", behind(server, openai_api_key=KEY, model_retries=0))
    line = str(caught.value)
    assert (caught.value.kind, message in line) == (kind, True), line
    assert "\n" not in line
    assert KEY not in line
    assert QUESTION not in line


def test_a_server_that_stalls_or_is_not_there(server: Server) -> None:
    server.delay = 1
    with pytest.raises(ModelError, match="CHATBOT_MODEL_TIMEOUT") as stalled:
        ask("openai:mine", behind(server, model_timeout=0.2, model_retries=0))
    nowhere = load_settings(openai_base_url="http://127.0.0.1:9/v1", model_retries=0)
    with pytest.raises(ModelError, match=r"cannot be reached.*OPENAI_BASE_URL") as absent:
        ask("openai:mine", nowhere)
    with pytest.raises(ModelError, match="cannot be reached"):
        load_model("auto", nowhere)
    assert (stalled.value.kind, absent.value.kind) == ("timeout", "unreachable")


def test_any_other_exception_has_a_line_too() -> None:
    assert explain(MemoryError(), "huggingface:big").kind == "memory"
    assert explain(RuntimeError(QUESTION), "ollama:x").args == ("ollama:x failed (RuntimeError)",)
    assert explain(ConnectionRefusedError(), "ollama:x").kind == "unreachable"
    known = ModelError("said already", "context")
    assert explain(known, "openai:x") is known
    assert all("\n" not in line for line in LINES.values())


def test_a_base_url_that_is_none_names_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "localhost:8000")
    with pytest.raises(InputError, match=r"^OPENAI_BASE_URL "):
        load_settings()
    monkeypatch.setenv("OPENAI_BASE_URL", "")
    assert resolve_model("auto", load_settings()) == "extractive"
