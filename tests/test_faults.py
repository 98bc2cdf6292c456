"""What disks, clocks and crashes do to an index and its conversations: nothing acknowledged is lost without a word."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chatbot import PaperChatbot
from chatbot.errors import IndexBroken, IndexMismatch, ThreadsBroken
from chatbot.index.manifest import load_manifest
from chatbot.threads import ThreadStore
from tests import forked
from tests.conftest import make_record

NAMES = {f"p{number}" for number in range(6)}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of six papers, written and closed by another process."""
    folder = tmp_path_factory.mktemp("faults")
    (folder / "papers.jsonl").write_text("".join(json.dumps(make_record(number)) + "\n" for number in range(6)))
    code = "import sys; from chatbot import PaperChatbot; PaperChatbot(index=sys.argv[1]).ingest(sys.argv[2])"
    forked.run([sys.executable, "-c", code, folder / "index", folder / "papers.jsonl"], check=True)
    return folder / "index"


@pytest.fixture
def index(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "index"))


def store(index: Path) -> Path:
    return index / load_manifest(index).store


def halve(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


@pytest.mark.parametrize("ending", [".term", ".idx", ".store", ".pos", "meta.json"])
def test_a_truncated_file_of_words_is_made_anew(index: Path, ending: str) -> None:
    lexical = store(index) / "lexical"
    files = [path for path in lexical.iterdir() if path.name.endswith(ending)]
    assert files
    for path in files:
        halve(path)
    bot = PaperChatbot(index=index, model="extractive")
    assert "p1" in bot.index.match_words("honey bees", 5)[0]
    assert {paper.id for paper in bot.papers()} == NAMES
    assert "honey bees" in bot.ask("What is studied in “On honey bees, part 1”?").answer


def test_a_truncated_vector_store_says_how_to_repair(index: Path) -> None:
    halve(store(index) / "chroma" / "chroma.sqlite3")
    with pytest.raises(IndexBroken, match=r"is damaged .*--rebuild .*move .* away and ingest again"):
        PaperChatbot(index=index).search("bees")


@pytest.mark.parametrize("part", [0.02, 0.6])
def test_truncated_conversations_are_told_and_left_alone(tmp_path: Path, part: float, index: Path) -> None:
    bot, path = PaperChatbot(index=index, model="extractive"), tmp_path / "threads.sqlite3"
    threads = ThreadStore(path)
    thread = threads.create("ann", "kept")
    answer = bot.ask("What is studied in “On honey bees, part 1”?")
    for _ in range(20):
        threads.append("ann", thread.id, answer)
    os.truncate(path, int(path.stat().st_size * part))
    damaged = path.read_bytes()
    with pytest.raises(ThreadsBroken, match=r"damaged .*move the file away"):
        threads.answers("ann", thread.id)
    assert path.read_bytes() == damaged


def test_an_index_that_may_only_be_read_refuses_writes_in_one_line(
    index: Path, write_jsonl: Callable[..., Path]
) -> None:
    drop = (  # root may write everywhere, but for a root without CAP_DAC_OVERRIDE (1), which PR_CAPBSET_DROP (24) takes
        "import ctypes, os, sys; ctypes.CDLL(None).prctl(24, 1, 0, 0, 0)\n"
        "os.execv(sys.executable, [sys.executable, '-m', 'chatbot', *sys.argv[1:]])"
    )
    paths = [index, *index.rglob("*")]
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    words = [sys.executable, "-c", drop, "ingest", str(write_jsonl(make_record(9))), "--index", str(index)]
    done = subprocess.run(words, capture_output=True, text=True)
    for path in paths:
        path.chmod(0o755)
    assert done.returncode == 1
    assert "cannot be written; make it writable or choose another with --index" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_a_clock_that_jumps_back_loses_no_answer_and_no_order(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot, threads = PaperChatbot(index=index, model="extractive"), ThreadStore(tmp_path / "threads.sqlite3")
    thread = threads.create("", "kept")
    questions = ["What is bee one?", "What is bee two?", "What is bee three?"]
    for question, now in zip(questions, (2_000_000_000.0, 0.0, 1_000_000_000.0), strict=True):
        monkeypatch.setattr("time.time", lambda now=now: now)
        threads.append("", thread.id, bot.ask(question))
    assert [answer["question"] for answer in threads.answers("", thread.id)] == questions
    assert [each.id for each in threads.list("")] == [thread.id]


def test_an_index_of_an_older_format_is_refused_with_what_makes_it_new(index: Path) -> None:
    path = index / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 0}))
    with pytest.raises(IndexMismatch, match=r"another version .*format 0.* --rebuild"):
        PaperChatbot(index=index).search("bees")
    bot = PaperChatbot(index=index)
    bot.ingest(rebuild=True)
    assert {paper.id for paper in bot.papers()} == NAMES


def test_two_that_write_at_once_lose_nothing_of_the_one_that_may(index: Path, write_jsonl: Callable[..., Path]) -> None:
    code = "import sys; from chatbot import PaperChatbot; PaperChatbot(index=sys.argv[1]).ingest(sys.argv[2])"
    sources = [write_jsonl(make_record(number), name=f"{number}.jsonl") for number in (7, 8)]
    running = [
        forked.Popen([sys.executable, "-c", code, index, source], stderr=subprocess.PIPE, text=True)
        for source in sources
    ]
    errors = [process.communicate()[1] for process in running]
    held = {paper.id for paper in PaperChatbot(index=index).papers()}
    for process, error, number in zip(running, errors, (7, 8), strict=True):
        assert (process.returncode == 0) == (f"p{number}" in held)
        assert process.returncode == 0 or "IndexBusy: another process is writing" in error
    assert held >= NAMES
    assert held != NAMES
