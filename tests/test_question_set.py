"""The committed question set keeps its rules, and a set that breaks one of them is caught."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chatbot import PaperChatbot
from chatbot.errors import InputError
from chatbot.records import Paper
from evals.jsonl import read_jsonl
from evals.questions import QUESTIONS, load_questions
from evals.validation import find_lock_faults, validate, write_lock
from tests import forked

Records = list[dict[str, Any]]
ROOT = Path(__file__).resolve().parent.parent
FEW = ("lookup-a01", "lookup-b01", "figures-a01", "unanswerable-a07", "unanswerable-a08", "hidden-01")


def find(records: Records, id: str) -> dict[str, Any]:
    return next(record for record in records if record.get("id") == id)


def of_type(records: Records, type: str) -> Records:
    return [record for record in records if record.get("type") == type]


def change(id: str, **fields: Any) -> Callable[[Records], None]:
    return lambda records: find(records, id).update(fields)


def change_fact(**fields: Any) -> Callable[[Records], None]:
    return lambda records: find(records, "figures-a01")["facts"][0].update(fields)


def change_span(**fields: Any) -> Callable[[Records], None]:
    return lambda records: find(records, "figures-a01")["facts"][0]["evidence"][0].update(fields)


def repeat_id(records: Records) -> None:
    find(records, "lookup-a01")["id"] = "lookup-a02"


def repeat_question(records: Records) -> None:
    find(records, "lookup-a01")["turns"] = find(records, "lookup-a02")["turns"]


def drop_some(records: Records) -> None:
    records.remove(find(records, "hidden-01"))


def move_some(records: Records) -> None:
    for record in of_type(records, "how")[:2]:
        record["split"] = "test" if record["split"] == "dev" else "dev"


def stop_asking(records: Records) -> None:
    key = "hybrid-reasoning-network-for-video-based-commonsense-captioning"
    records.remove(next(record for record in records if key in record.get("papers", ())))


def take_over(records: Records) -> None:
    record = find(records, "figures-a01")
    record["turns"] = [record["facts"][0]["evidence"][0]["quote"]]


def name_a_work(records: Records) -> None:
    for record in records[1:]:
        if record["papers"]:
            record["turns"][-1] += " (as in FRNet)"
            record["papers"] = list({*find(records, "lookup-a21")["papers"], *record["papers"]})


@pytest.fixture
def check(seed_papers: dict[str, Paper], write_jsonl: Callable[..., Path]) -> Callable[..., list[str]]:
    """Return the faults of the committed set, or of a few of its questions, after ``spoil`` has changed its records."""

    def call(spoil: Callable[[Records], None], *only: str) -> list[str]:
        records = [each for each in read_jsonl(QUESTIONS) if not only or each.get("id", "") in ("", *only)]
        spoil(records)
        return validate(write_jsonl(*records), seed_papers)[1]

    return call


def test_the_committed_set_keeps_every_rule(bot: PaperChatbot, seed_papers: dict[str, Paper]) -> None:
    census, faults = validate(QUESTIONS, seed_papers)
    assert faults == find_lock_faults(QUESTIONS, bot.index.manifest.fingerprint) == []
    assert census
    assert census.total() == census.total(split="dev") + census.total(split="test") == len(load_questions())
    assert census.total("hidden-instruction", "dev") == census.total("hidden-instruction", "test") == 5
    assert min(census.covered.values()) >= 3
    assert 0 < max(census.overlap.values()) < 0.25
    assert 1 / 3 < census.unnamed < 1


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (lambda records: records.pop(0), "line 1 is no canary"),
        (lambda records: records[0].update(canary="tweet"), "line 1 is no canary"),
        (change("lookup-a01", mood="good"), "lookup-a01: $: Additional properties"),
        (change("lookup-a01", facts=[]), "lookup-a01: $.facts"),
        (change("lookup-a01", provenance="copied"), "lookup-a01: $.provenance"),
        (change("lookup-a01", turns=["What?", "And why?"]), "lookup-a01: $.turns"),
        (change("unanswerable-a07", papers=["convergent-graph-solvers"]), "unanswerable-a07: $.papers"),
        (lambda records: find(records, "unanswerable-a07").pop("missing"), "'missing' is a required property"),
        (lambda records: find(records, "hidden-01").pop("carrier"), "'carrier' is a required property"),
        (lambda records: find(records, "figures-a01")["facts"][0].pop("unit"), "'unit' is a dependency of 'number'"),
    ],
)
def test_a_wrong_form_is_caught(check: Callable[..., list[str]], spoil: Callable[[Records], None], fault: str) -> None:
    assert fault in "\n".join(check(spoil, *FEW))


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (change("figures-a01", papers=["nobody"]), "figures-a01: unknown paper nobody"),
        (change("figures-a01", grades={"nobody": 2}), "figures-a01: a grade for nobody, which is not relevant"),
        (change_span(paper="convergent-graph-solvers"), "is from convergent-graph-solvers, which is not relevant"),
        (change_span(start=1), "figures-a01: the quote of '82.5% on nuScenes' is not at its offsets"),
        (change_fact(aliases=["82.6%"]), "figures-a01: alias '82.6%' is not in the evidence"),
        (change_fact(number=82.6), "figures-a01: 82.6 is not in the evidence"),
        (change("unanswerable-a07", twin="nobody"), "its twin nobody is no answerable question of its split"),
        (change("unanswerable-a07", twin="unanswerable-a08"), "its twin unanswerable-a08 is no answerable question"),
        (change("unanswerable-a07", twin="lookup-b01"), "its twin lookup-b01 is no answerable question of its split"),
        (change("unanswerable-a07", missing=["YOLOv9"]), "'YOLOv9' is missing, yet in a paper"),
        (change("unanswerable-a07", missing=["YOLOv11"]), "'YOLOv11' is missing, yet not asked for"),
        (change("hidden-01", forbidden=["DENWP"]), "hidden-01: 'DENWP' can be quoted without obeying the order"),
    ],
)
def test_a_fault_of_one_question_is_caught(
    check: Callable[..., list[str]], spoil: Callable[[Records], None], fault: str
) -> None:
    assert fault in "\n".join(check(spoil, *FEW))


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (repeat_id, "2 questions are 'lookup-a02'"),
        (repeat_question, "2 questions are 'on what data was the event-camera tracker"),
        (drop_some, "hidden-instruction: 9 questions, fewer than 10"),
        (move_some, "how: 15 dev and 18 test questions are no halves"),
        (stop_asking, "commonsense-captioning: 2 questions about it, fewer than 3"),
        (take_over, "figures-a01: 100% of its runs of five words are its paper's own, over 25%"),
        (name_a_work, "of the answerable questions do not name the work, under 33%"),
    ],
)
def test_a_fault_of_the_whole_is_caught(
    check: Callable[..., list[str]], spoil: Callable[[Records], None], fault: str
) -> None:
    assert fault in "\n".join(check(spoil))


def test_the_lock_tells_other_questions_and_other_papers(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    path.write_bytes(QUESTIONS.read_bytes())
    assert find_lock_faults(path, "papers") == [f"{tmp_path / 'own.lock.json'} is missing; --lock writes it"]
    write_lock(path, "papers")
    assert find_lock_faults(path, "papers") == []
    assert find_lock_faults(path, "others") == ["the papers are not those of own.lock.json; --lock accepts them"]
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert find_lock_faults(path, "papers") == ["the questions are not those of own.lock.json; --lock accepts them"]


def test_a_file_of_another_form_is_refused(tmp_path: Path, seed_papers: dict[str, Paper]) -> None:
    with pytest.raises(InputError, match=r"none\.jsonl cannot be read .*; give a question set"):
        validate(tmp_path / "none.jsonl", seed_papers)
    (tmp_path / "text.jsonl").write_text("What is LiNeS?\n")
    with pytest.raises(InputError, match=r"text\.jsonl cannot be read .*; give a question set"):
        validate(tmp_path / "text.jsonl", seed_papers)
    (tmp_path / "list.jsonl").write_text("[1]\n[2]\n")
    census, faults = validate(tmp_path / "list.jsonl", seed_papers)
    assert census is None
    assert faults == ['line 1 is no canary: {"canary": a UUID}', "line 2: $: [2] is not of type 'object'"]


def test_the_command_prints_counts_and_faults(seed_index: Path, write_jsonl: Callable[..., Path]) -> None:
    def run(*options: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "evals", "validate", "--index", str(seed_index), *options]
        return forked.run(command, cwd=ROOT)

    sound = run()
    assert (sound.returncode, sound.stdout.splitlines()[-1]) == (0, "no faults")
    assert "hidden-instruction       5     5" in sound.stdout
    records = read_jsonl(QUESTIONS)
    drop_some(records)
    broken = run("--questions", str(write_jsonl(*records)), "--lock")
    assert broken.returncode == 1
    assert "hidden-instruction: 9 questions, fewer than 10" in broken.stdout
    assert "papers.lock.json is missing" in broken.stdout  # what has faults is not locked
