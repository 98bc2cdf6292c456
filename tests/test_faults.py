"""What disks, clocks and crashes do to an index and its conversations: nothing acknowledged is lost without a word."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TextIO

import pytest

from chatbot import PaperChatbot
from chatbot.embedding import load_embedder
from chatbot.errors import IndexBroken, IndexMismatch, ThreadsBroken
from chatbot.index.manifest import load_manifest
from chatbot.serving import Accounts
from chatbot.threads import ThreadStore
from tests import forked
from tests.conftest import make_record

NAMES = {f"p{number}" for number in range(6)}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of six papers, written and closed by another process."""
    folder = tmp_path_factory.mktemp("faults")
    (folder / "papers.jsonl").write_text("".join(json.dumps(make_record(number)) + "\n" for number in range(6)))
    forked.run([sys.executable, "-c", forked.INGEST, folder / "index", folder / "papers.jsonl"], check=True)
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


def test_a_crash_while_a_small_file_is_written_leaves_the_old_one_whole(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(record: object, file: TextIO, **_: object) -> None:
        file.write('{"half')
        file.flush()
        raise KeyboardInterrupt

    old, accounts = load_manifest(index), Accounts(tmp_path / "accounts.json")
    accounts.set("ann", "correct horse")
    with monkeypatch.context() as patch:
        patch.setattr(json, "dump", cut)
        with pytest.raises(KeyboardInterrupt):
            old.save(index)
        with pytest.raises(KeyboardInterrupt):
            accounts.set("bob", "correct horse")
    assert load_manifest(index) == old
    assert accounts.names() == ["ann"]


# Runs in a process of its own for each number of bytes that are left on a small disk; the last gets room again.
ON_A_SMALL_DISK = """
import json, sys
from contextlib import suppress
from pathlib import Path
from chatbot.errors import ChatbotError
from chatbot.index import PaperIndex, verify
from chatbot.threads import ThreadStore
from tests.killed_ingest import IDENTITY, bring_in
from tests.test_threads import make_answer

left, few, more, disk = int(sys.argv[1]), *map(Path, sys.argv[2:])
index, filler, threads, told = disk / "index", disk / "filler", ThreadStore(disk / "threads.sqlite3"), []
if not index.exists():
    bring_in(index, few)
    threads.append("", threads.create("", "kept").id, make_answer("What was said?"))
filler.unlink(missing_ok=True)
if left >= 0:
    with suppress(OSError), filler.open("wb", 0) as file:
        while True:
            file.write(bytes(4096))
    with filler.open("r+b") as file:
        file.truncate(file.seek(0, 2) - left)
fixes = [] if left >= 0 else [finding.fix for finding in verify(index)]
for change in (lambda: bring_in(index, more), lambda: [threads.create("", "x" * 60) for _ in range(99)]):
    try:
        change()
        told.append("")
    except ChatbotError as error:
        told.append(f"{type(error).__name__}: {error}")
papers = [] if left >= 0 else [each.paper.id for each in PaperIndex(index, IDENTITY).listed()]
kept = [] if left >= 0 else [each["question"] for each in threads.answers("", threads.find("", "kept").id)]
print(json.dumps([told, fixes, papers, kept, [] if left >= 0 else [each.fault for each in verify(index)]]))
"""


def test_a_full_disk_is_told_and_loses_nothing_that_was_acknowledged(
    tmp_path: Path, write_jsonl: Callable[..., Path]
) -> None:
    few, more = write_jsonl(*map(make_record, range(6))), write_jsonl(*map(make_record, range(30)), name="more")
    (disk := tmp_path / "disk").mkdir()
    try:
        subprocess.run(["unshare", "-Urm", "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this system lets nobody mount a small disk of their own")
    run = 'mount -t tmpfs -o size=4m tmpfs "$4" && for left in 40000 0 -1; do "$0" -c "$1" $left "$2" "$3" "$4"; done'
    words = ["unshare", "-Urm", "sh", "-c", run, sys.executable, ON_A_SMALL_DISK, *map(str, (few, more, disk))]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)}
    done = subprocess.run(words, capture_output=True, text=True, env=environment)
    *full, roomy = map(json.loads, done.stdout.splitlines())
    lines = [line for told, *_ in full for line in told]
    assert [line.split(":")[0] for line in lines] == ["IndexBroken", "ThreadsBroken"] * 2
    assert all("the disk is full at" in line for line in lines)
    assert (roomy[0], roomy[3], roomy[4]) == (["", ""], ["What was said?"], [])
    assert all("index repair" in fix for fix in roomy[1])
    assert set(roomy[2]) == {f"p{number}" for number in range(30)}


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
    sources = [write_jsonl(make_record(number), name=f"{number}.jsonl") for number in (7, 8)]
    running = [
        forked.Popen([sys.executable, "-c", forked.INGEST, index, source], stderr=subprocess.PIPE, text=True)
        for source in sources
    ]
    errors = [process.communicate()[1] for process in running]
    held = {paper.id for paper in PaperChatbot(index=index).papers()}
    for process, error, number in zip(running, errors, (7, 8), strict=True):
        assert (process.returncode == 0) == (f"p{number}" in held)
        assert process.returncode == 0 or "IndexBusy: another process is writing" in error
    assert held >= NAMES
    assert held != NAMES


def test_an_index_opened_again_shows_what_another_process_wrote_since(index: Path, tmp_path: Path) -> None:
    first = PaperChatbot(index=index, model="extractive")
    assert len(first.search("honey bees", 20)) == 6
    (tmp_path / "more.jsonl").write_text(json.dumps(make_record(90)) + "\n")
    forked.run([sys.executable, "-c", forked.INGEST, index, tmp_path / "more.jsonl"], check=True)
    again = PaperChatbot(index=index, model="extractive")
    assert len(again.index.nearest_passages(load_embedder(again.settings).embed_query("bees"), 20)) == 7
    assert {entry.paper.id for page in again.index.entries() for entry in page} == NAMES | {"p90"}


def test_an_index_removed_and_made_again_is_not_taken_for_the_old_one(index: Path, tmp_path: Path) -> None:
    bot = PaperChatbot(index=index, model="extractive")
    assert len(bot.search("honey bees", 20)) == 6
    shutil.rmtree(index)
    again = [make_record(number) for number in range(3)]
    (tmp_path / "again.jsonl").write_text("".join(json.dumps(record) + "\n" for record in again))
    forked.run([sys.executable, "-c", forked.INGEST, index, tmp_path / "again.jsonl"], check=True)
    assert {hit.paper.id for hit in bot.search("honey bees", 20)} == {"p0", "p1", "p2"}


def test_indexes_are_opened_from_several_threads_at_once(index: Path, tmp_path: Path) -> None:
    folders = [index, Path(shutil.copytree(index, tmp_path / "other"))]
    often = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)  # threads take turns at moments that are rare otherwise
    try:
        with ThreadPoolExecutor(4) as pool:
            bots = list(pool.map(lambda at: PaperChatbot(index=folders[at % 2], model="extractive"), range(40)))
            assert set(pool.map(len, bots)) == {6}
    finally:
        sys.setswitchinterval(often)
