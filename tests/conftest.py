"""Shared fixtures: one index of the seed papers a run, and helpers that write sources."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from filelock import FileLock
from xdist.scheduler import LoadFileScheduling

from chatbot import PaperChatbot
from chatbot.records import Paper
from tests import forked
from tests.chroma_server import ChromaProcess
from tests.model_server import ModelServer, model_server
from tests.one_model import share_model

# Read when torch is loaded, here and in commands: threads that wait for each other busily take the cores from others.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
# Read with each HTTP client, there as well: no test speaks TLS, and reading all certificates takes 20 ms.
os.environ |= {"SSL_CERT_FILE": "", "SSL_CERT_DIR": os.devnull}

# How long an example takes depends on what else the machine does.
hypothesis.settings.register_profile("no deadline", deadline=None)
hypothesis.settings.load_profile("no deadline")

PLANTED_KEY = "sk-planted-in-the-environment"
API_NAMES = ["search_papers", "ask_papers", "compare_papers", "get_paper"]

Run = Callable[..., subprocess.CompletedProcess[str]]


def pytest_configure(config: pytest.Config) -> None:
    """Where several workers run the tests, start what forks their commands once, for all of them."""
    if config.getoption("numprocesses", None) and sys.platform == "linux":
        forked.start_server()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    """Give each file to one worker, and all files of the page to the same: they share a server and a browser."""
    scheduler = LoadFileScheduling(config, log)
    scheduler._split_scope = lambda nodeid: "page" if nodeid.startswith("tests/page/") else nodeid.split("::")[0]
    return scheduler


@pytest.fixture(scope="session", autouse=True)
def _one_model() -> None:
    share_model()


@pytest.fixture(scope="session")
def seed_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the seed papers: made by the first worker, and copied by each, because tests lock theirs."""
    own = tmp_path_factory.getbasetemp()
    made = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "seeds"
    with FileLock(f"{made}.lock"):
        if not made.exists():
            PaperChatbot(index=made).ingest()
    return Path(shutil.copytree(made, own / "index"))


@pytest.fixture(scope="session")
def bot(seed_index: Path) -> PaperChatbot:
    return PaperChatbot(index=seed_index)


@pytest.fixture(scope="session")
def seed_papers(bot: PaperChatbot) -> dict[str, Paper]:
    return {paper.id: paper for paper in bot.papers()}


@pytest.fixture
def source(write_jsonl: Callable[..., Path]) -> Path:
    """A file of six papers, p0 to p5."""
    return write_jsonl(*map(make_record, range(6)))


@pytest.fixture
def filled(tmp_path: Path, source: Path) -> PaperChatbot:
    bot = PaperChatbot(index=tmp_path / "index")
    bot.ingest(source)
    return bot


@pytest.fixture(scope="session")
def api_url(seed_index: Path) -> Iterator[str]:
    """Where a server of the page and of MCP is, with a key in its environment that it has to keep to itself."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "chatbot", "serve", "--mcp", "--index", str(seed_index), "--port", str(port)]
    environment = os.environ | {"CHATBOT_CHROMA_TOKEN": PLANTED_KEY, "CHATBOT_QUESTIONS_PER_MINUTE": "100000"}
    with forked.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as server:
        assert server.stdout
        yield next(found[1] for line in server.stdout if (found := re.search(r"MCP clients: (http://\S+)/mcp", line)))
        server.terminate()


@pytest.fixture
def server() -> Iterator[ModelServer]:
    """A scripted language model behind HTTP on loopback."""
    with model_server() as running:
        yield running


@pytest.fixture(scope="session")
def chroma_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChromaProcess]:
    process = ChromaProcess(tmp_path_factory.mktemp("chroma"))
    yield process
    process.end()


@pytest.fixture
def chroma(chroma_process: ChromaProcess) -> ChromaProcess:
    """A Chroma server that runs; the test before may have killed it."""
    chroma_process.start()
    return chroma_process


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (
        "CHATBOT_INDEX",
        "CHATBOT_MODEL",
        "CHATBOT_EMBEDDING",
        "CHATBOT_TOP_K",
        "CHATBOT_CHROMA_URL",
        "CHATBOT_CHROMA_TOKEN",
        "OPENAI_API_KEY",
        "OPENAI_BASE_URL",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def write_jsonl(tmp_path: Path) -> Callable[..., Path]:
    def write(*records: dict[str, Any] | str, name: str = "papers.jsonl") -> Path:
        path = tmp_path / name
        lines = [record if isinstance(record, str) else json.dumps(record) for record in records]
        path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        return path

    return write


@pytest.fixture
def run(seed_index: Path, tmp_path: Path) -> Run:
    def call(*words: str, index: Path = seed_index, stdin: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "chatbot", *words]
        environment = os.environ | {"CHATBOT_INDEX": str(index), "COLUMNS": "200"}
        return forked.run(command, env=environment, cwd=tmp_path, input=stdin)

    return call


def ids(bot: PaperChatbot) -> set[str]:
    """Return the ids of all papers."""
    return {paper.id for paper in bot.papers()}


def make_record(number: int, **changes: Any) -> dict[str, Any]:
    """Return a JSONL record of a paper on a subject of its own."""
    subjects = ("tidal turbines", "honey bees", "glacier melt", "opera singing", "bread yeast", "city trams")
    subject = subjects[number % len(subjects)]
    abstract = f"We study {subject} in experiment {number}. The measured effect on {subject} is {number}.5 percent."
    return {"id": f"p{number}", "title": f"On {subject}, part {number}", "abstract": abstract} | changes
