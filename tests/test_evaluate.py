"""Runs of the question set started beside a served index: processes of their own, one at a time, listed and read."""

import json
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from chatbot import PaperChatbot
from chatbot.errors import Busy, InputError
from chatbot.ui.runs import Runs, find_runs
from evals.questions import QUESTIONS
from tests.recorded_runs import write_run

LOCKED = json.loads(QUESTIONS.with_name("questions.lock.json").read_text())["papers"]


@pytest.fixture
def own_bot(seed_index: Path, tmp_path: Path) -> PaperChatbot:
    """A chatbot over a copy of the seed papers, beside which runs can be kept."""
    shutil.copytree(seed_index, tmp_path / "index")
    return PaperChatbot(index=tmp_path / "index", model="extractive")


@pytest.fixture
def start_runs(own_bot: PaperChatbot, tmp_path: Path) -> Callable[[int], Runs]:
    def make(count: int) -> Runs:
        path = tmp_path / "questions.jsonl"
        path.write_text("".join(QUESTIONS.read_text().splitlines(keepends=True)[: count + 1]))
        return Runs(own_bot, LOCKED, path)

    return make


def wait_until(reached: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < until
        time.sleep(0.1)


def test_a_run_is_made_by_a_process_of_its_own_and_reported(start_runs: Callable[[int], Runs]) -> None:
    runs = start_runs(3)
    assert runs.over_index()
    name = runs.start("all")
    assert runs.tell() == f"{name}: getting ready …"
    with pytest.raises(Busy, match="wait until it ends, or cancel"):
        runs.start("dev")
    wait_until(lambda: not runs.running)
    assert runs.tell() == f"{name} is finished, 3 of 3 questions answered"
    (run,) = runs.all()
    assert (run.name, run.model, run.finished) == (name, "extractive", True)
    assert f"<title>Evaluation of {name}</title>" in runs.report(name)
    assert (runs.folder / name / "answers.jsonl").stat().st_mode & 0o077 == 0


def test_the_process_of_a_run_is_told_keys_and_not_their_masks(own_bot: PaperChatbot) -> None:
    bot = PaperChatbot(index=own_bot.settings.index, chroma_token="token-1", openai_api_key="key-1")
    runs = Runs(bot, LOCKED)
    told = runs._command(["run"])["env"]
    assert (told["CHATBOT_CHROMA_TOKEN"], told["OPENAI_API_KEY"]) == ("token-1", "key-1")


def test_a_cancelled_run_is_listed_as_not_finished(start_runs: Callable[[int], Runs]) -> None:
    runs = start_runs(60)
    name = runs.start("all")
    wait_until(lambda: "of 60" in runs.tell() and "0 of" not in runs.tell())
    runs.cancel()
    assert runs.tell().startswith(f"{name} was cancelled, ")
    (run,) = runs.all()
    assert not run.finished
    assert 0 < run.answered < run.asked == 60
    with pytest.raises(InputError, match="no finished run"):
        runs.report(name)


def test_a_run_that_fails_tells_why(own_bot: PaperChatbot, tmp_path: Path) -> None:
    (tmp_path / "questions.jsonl").write_text("{}\n")
    runs = Runs(own_bot, LOCKED, tmp_path / "questions.jsonl")
    name = runs.start("all")
    wait_until(lambda: not runs.running)
    assert runs.tell().startswith(f"{name} failed: ")
    assert runs.all() == []


def test_runs_are_compared_by_name_and_other_names_are_refused(own_bot: PaperChatbot) -> None:
    runs = Runs(own_bot, LOCKED)
    write_run(runs.folder / "after", manifest={"created": "2025-01-02T00:00:00+00:00"})
    write_run(runs.folder / "before", wrong=range(20))
    assert [run.name for run in runs.all()] == ["after", "before"]
    assert re.search("fact_recall +0.500 +1.000", runs.compare("before", "after"))
    for name in ("../index", str(runs.folder / "after"), "", "--help"):
        with pytest.raises(InputError, match="choose one of the list"):
            runs.compare("after", name)


def test_answers_marked_down_become_drafts(own_bot: PaperChatbot) -> None:
    runs = Runs(own_bot, LOCKED)
    for question, liked in (("What is FRNet?", False), ("What is LiNeS?", True)):
        own_bot.feedback.add(own_bot.ask(question).to_dict(), liked, "Wrong")
    assert runs.marked_down() == 1
    told = runs.draft()
    (path,) = runs.folder.glob("drafts-*.jsonl")
    assert told.startswith(f"1 drafts in {path}")
    assert [json.loads(line)["turns"] for line in path.read_text().splitlines()[1:]] == [["What is FRNet?"]]
    assert path.stat().st_mode & 0o077 == 0


def test_other_papers_are_not_asked_what_the_questions_are_about(own_bot: PaperChatbot) -> None:
    assert not Runs(own_bot, "other").over_index()
    assert find_runs(own_bot)
