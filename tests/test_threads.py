"""Conversations that survive a restart, a crash and each other, and that only their user can see."""

import json
import shutil
import sqlite3
import stat
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from chatbot import PaperChatbot
from chatbot.answers import Answer, Citation
from chatbot.errors import InputError, ThreadMissing, ThreadsBroken
from chatbot.threads import ThreadStore
from chatbot.ui.threads import Conversation, keep, restore, take_back


def make_answer(question: str = "What is LiNeS?", *cited: str) -> Answer:
    citations = tuple(Citation(n, key, f"On {key}", "quote", 0, 5) for n, key in enumerate(cited, 1))
    return Answer(
        question=question,
        standalone_question=f"{question} (alone)",
        status="answered",
        answer="So it is.",
        sentences=(),
        citations=citations,
        retrieved=(),
        confidence=0.5,
        model="extractive",
        timings_ms={"total": 1.0},
        index="i",
        settings="s",
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "index" / "threads.sqlite3"


@pytest.fixture
def store(path: Path) -> ThreadStore:
    return ThreadStore(path)


def test_a_conversation_survives_a_restart(store: ThreadStore, path: Path) -> None:
    thread = store.create("", "layers")
    first, second = make_answer("What is LiNeS?", "a", "b", "a"), make_answer("and FRUGAL?")
    store.append("", thread.id, first)
    store.append("", thread.id, second)
    again = ThreadStore(path)
    stored = again.answers("", again.find("", "layers").id)
    assert [{**answer, "created": "", "number": 0} for answer in stored] == [
        json.loads(json.dumps(answer.to_dict())) | {"created": "", "number": 0} for answer in (first, second)
    ]
    assert all(answer["created"].endswith("+00:00") for answer in stored)
    assert again.turns("", thread.id) == [
        ("What is LiNeS? (alone)", ("a", "b"), None),
        ("and FRUGAL? (alone)", (), None),
    ]
    assert again.find("", "layers").questions == 2


def test_an_answer_is_kept_though_the_process_is_killed_right_after(store: ThreadStore, path: Path) -> None:
    thread = store.create("", "killed")
    program = """
import os, signal, sys
from pathlib import Path
from tests.test_threads import ThreadStore, make_answer
ThreadStore(Path(sys.argv[1])).append("", sys.argv[2], make_answer())
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", program, path, thread.id], cwd=Path(__file__).parent.parent).returncode
    assert len(store.answers("", thread.id)) == 1


def test_processes_that_append_at_once_lose_nothing(path: Path) -> None:
    program = """
import sys
from pathlib import Path
from tests.test_threads import ThreadStore, make_answer
store = ThreadStore(Path(sys.argv[1]))
thread = store.create("", sys.argv[2])
for number in range(20):
    store.append("", thread.id, make_answer(f"{sys.argv[2]} {number}"))
"""
    # The file is not there yet: they meet while making it, too.
    command = [sys.executable, "-c", program, str(path)]
    writers = [subprocess.Popen([*command, name], cwd=Path(__file__).parent.parent) for name in "abc"]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    store = ThreadStore(path)
    for thread in store.list(""):
        asked = [answer["question"] for answer in store.answers("", thread.id)]
        assert asked == [f"{thread.name} {number}" for number in range(20)]
    assert len(store.list("")) == 3


def test_no_user_reaches_the_threads_of_another(store: ThreadStore) -> None:
    thread = store.create("ann", "secret plans")
    store.append("ann", thread.id, make_answer("What is secret?"))
    for other in ("bob", "", "ANN", "ann ", "%", "ann' OR '1'='1"):
        assert store.list(other) == []
        assert store.list(other, "secret") == []
        for guess in (thread.id, "secret plans", "%", f"{thread.id}' OR '1'='1"):
            for attempt in (
                lambda other=other, guess=guess: store.find(other, guess),
                lambda other=other, guess=guess: store.rename(other, guess, "mine"),
                lambda other=other, guess=guess: store.delete(other, guess),
                lambda other=other, guess=guess: store.append(other, guess, make_answer()),
                lambda other=other, guess=guess: store.answers(other, guess),
                lambda other=other, guess=guess: store.turns(other, guess),
            ):
                with pytest.raises(ThreadMissing, match="chatbot threads list"):
                    attempt()
    assert [(kept.name, kept.questions) for kept in store.list("ann")] == [("secret plans", 1)]


def test_ids_cannot_be_guessed_and_the_file_is_private(store: ThreadStore, path: Path) -> None:
    ids = {store.create("").id for _ in range(20)}
    assert len(ids) == 20
    assert {len(each) for each in ids} == {32}
    with closing(sqlite3.connect(path)) as reader:
        reader.execute("SELECT * FROM threads").fetchone()
        files = list(path.parent.iterdir())
        assert len(files) > 1
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_a_thread_without_a_name_is_called_by_its_first_question(store: ThreadStore) -> None:
    thread = store.create("")
    store.append("", thread.id, make_answer("Which\npapers " + "x" * 100))
    store.append("", thread.id, make_answer("another"))
    name = store.find("", thread.id).name
    assert name.startswith("Which papers xxx")
    assert (len(name), name[-1]) == (60, "…")


def test_the_last_used_comes_first_and_wins_when_names_are_the_same(store: ThreadStore) -> None:
    old, new = store.create("", "same"), store.create("", "same")
    assert store.find("", "same") == new
    time.sleep(0.01)
    store.append("", old.id, make_answer())
    assert [thread.id for thread in store.list("")] == [old.id, new.id]
    assert store.find("", "same").id == old.id


def test_listing_finds_text_in_names_and_questions_whatever_the_case(store: ThreadStore) -> None:
    by_name, by_question = store.create("", "Über 100% layers_x"), store.create("", "b")
    store.append("", by_question.id, make_answer("ÜBER what?"))
    store.append("", by_question.id, make_answer("und sonst?"))
    store.create("", "c")
    found = {text: {thread.id for thread in store.list("", text)} for text in ("über", "0%", "s_x", "sonst", "nothing")}
    assert found["über"] == {by_name.id, by_question.id}
    assert found["0%"] == found["s_x"] == {by_name.id}
    assert found["sonst"] == {by_question.id}
    assert found["nothing"] == set()
    assert len(store.list("")) == 3


def test_renaming(store: ThreadStore) -> None:
    thread = store.create("", "before")
    store.rename("", thread.id, " after\n all ")
    assert store.find("", "after all").id == thread.id
    with pytest.raises(ThreadMissing):
        store.find("", "before")
    for name in ("", " \n", "x" * 61):
        with pytest.raises(InputError):
            store.rename("", thread.id, name)


def test_a_deleted_thread_is_gone_from_the_file_as_well(store: ThreadStore, path: Path) -> None:
    thread, kept = store.create("", "gone"), store.create("", "kept")
    store.append("", thread.id, make_answer("the unspeakable question"))
    store.append("", kept.id, make_answer("another"))
    store.delete("", thread.id)
    assert [left.name for left in store.list("")] == ["kept"]
    assert len(store.answers("", kept.id)) == 1
    assert not any(b"unspeakable" in file.read_bytes() for file in path.parent.iterdir())
    with pytest.raises(ThreadMissing):
        store.append("", thread.id, make_answer())


def test_the_last_answers_can_be_taken_out_by_their_user_only(store: ThreadStore) -> None:
    mine, other = store.create("ann", "mine"), store.create("ann", "other")
    numbers = []
    for question in ("one?", "two?", "three?"):
        numbers.append(store.append("ann", mine.id, make_answer(question)))
        store.append("ann", other.id, make_answer(question))
    with pytest.raises(ThreadMissing):
        store.take_back("bob", mine.id, numbers)
    store.take_back("ann", mine.id, numbers[1:2])
    assert [answer["question"] for answer in store.answers("ann", mine.id)] == ["one?", "three?"]
    assert len(store.answers("ann", other.id)) == 3


def test_taking_back_in_one_window_leaves_what_another_added(tmp_path: Path, seed_index: Path) -> None:
    bot = PaperChatbot(index=shutil.copytree(seed_index, tmp_path / "index"), model="extractive")
    answer = bot.ask("What is LiNeS?")
    here, _ = keep(bot, "", Conversation(), answer, "")
    there, _ = keep(bot, "", restore(bot, "", here.thread)[1], answer, "")
    assert take_back(bot, "", here, 0).turns == ()
    assert [record["number"] for record in bot.threads.answers("", here.thread)] == [there.stored[1]]


def test_a_thread_is_cleared_away_by_its_user_only_and_not_with_an_answer_in_it(store: ThreadStore) -> None:
    empty, used = store.create("ann", "empty"), store.create("ann", "used")
    store.append("ann", used.id, make_answer())
    for user, left in (("bob", {"empty", "used"}), ("ann", {"used"}), ("ann", {"used"})):
        store.delete_empty(user, empty.id)
        store.delete_empty(user, used.id)
        assert {thread.name for thread in store.list("ann")} == left


def test_odd_text_is_taken(store: ThreadStore) -> None:
    thread = store.create("", "tab\there \x1b[31m \ud800")
    assert thread.name == "tab here [31m"
    store.append("", thread.id, make_answer("\ud800 \x00?"))
    assert store.answers("", thread.id)[0]["question"] == "\ud800 \x00?"
    with pytest.raises(ThreadMissing):
        store.find("", "\ud800")


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"no database at all" * 100, "are damaged"), (b"SQLite format 3\x00" + b"\xff" * 900, "damage")],
)
def test_a_damaged_file_is_told_in_one_line(store: ThreadStore, path: Path, content: bytes, told: str) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(ThreadsBroken, match="move the file away") as caught:
        store.list("")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_damage_inside_a_sound_database_is_told_too(store: ThreadStore, path: Path) -> None:
    thread = store.create("")
    store.append("", thread.id, make_answer())
    with closing(sqlite3.connect(path)) as writer, writer:
        writer.execute("UPDATE answers SET answer = '{\"half'")
    with pytest.raises(ThreadsBroken, match="are damaged"):
        store.turns("", thread.id)


def test_a_file_of_a_later_version_is_left_alone(store: ThreadStore, path: Path) -> None:
    store.create("", "kept")
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("PRAGMA user_version = 99")
    with pytest.raises(ThreadsBroken, match="format 99"):
        store.list("")


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "threads.sqlite3", tmp_path):
        with pytest.raises(ThreadsBroken, match="cannot be read and written"):
            ThreadStore(path).create("")
