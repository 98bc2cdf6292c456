"""Two runs side by side, and the gate: a real loss is found, noise is not, and nothing broken gets through."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from chatbot.errors import InputError
from evals.comparing import Difference, compare_runs
from evals.gate import judge_run, write_baseline
from evals.runs import load_run
from tests import forked
from tests.recorded_runs import make_answer, make_refusal, write_run

EVENS = range(0, 40, 2)  # one question of each paper


def compare(before: Path, after: Path) -> dict[str, Difference]:
    return {each.metric: each for each in compare_runs(load_run(before), load_run(after)).differences}


def evals(*words: str | Path) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).resolve().parent.parent
    return forked.run([sys.executable, "-m", "evals", *map(str, words)], cwd=root)


def test_equal_runs_show_no_difference_and_what_could_have_been_seen(tmp_path: Path) -> None:
    found = compare(write_run(tmp_path / "a", wrong=range(8)), write_run(tmp_path / "b", wrong=range(8)))
    assert {(each.delta, each.p, each.adjusted, each.verdict) for each in found.values()} == {(0, 1, 1, "can't tell")}
    assert found["right_status"].detectable == 6 / 40
    assert found["fact_recall"].low < 0 < found["fact_recall"].high


def test_a_real_loss_is_found_and_its_opposite_is_a_gain(tmp_path: Path) -> None:
    good, bad = write_run(tmp_path / "a"), write_run(tmp_path / "b", wrong=EVENS)
    lost, gained = compare(good, bad)["fact_recall"], compare(bad, good)["fact_recall"]
    assert (lost.verdict, gained.verdict) == ("worse", "better")
    assert lost.delta == -0.5 == -gained.delta
    assert lost.low <= -0.5 <= lost.high
    assert lost.p < lost.adjusted < 0.05


def test_noise_is_not_taken_for_a_difference(tmp_path: Path) -> None:
    chosen = random.Random(5)
    runs = [write_run(tmp_path / name, wrong=chosen.sample(range(40), 12)) for name in "ab"]
    found = compare(*runs)["fact_recall"]
    assert found.verdict == "can't tell"
    assert found.detectable is not None
    assert abs(found.delta) < found.detectable


def test_less_is_better_where_a_metric_says_so(tmp_path: Path) -> None:
    wordy = {number: make_answer(number, sentences=make_answer(number)["sentences"] * 3) for number in range(40)}
    assert compare(write_run(tmp_path / "a"), write_run(tmp_path / "b", replaced=wordy))["words"].verdict == "worse"


def test_refusing_is_a_loss_and_leaves_its_questions_out_of_what_is_scored_on_answers(tmp_path: Path) -> None:
    refusals = {number: make_refusal(number) for number in EVENS}
    found = compare(write_run(tmp_path / "a"), write_run(tmp_path / "b", replaced=refusals))
    assert found["right_status"].verdict == found["fact_recall"].verdict == "worse"
    assert found["right_status"].p == pytest.approx(2 * 0.5**20)
    assert (found["words"].pairs, found["words"].unpaired) == (20, 20)


def test_flips_are_listed_question_by_question(tmp_path: Path) -> None:
    runs = load_run(write_run(tmp_path / "a", wrong=[3])), load_run(write_run(tmp_path / "b", wrong=[7]))
    flips = compare_runs(*runs).flips
    assert [(flip.id, flip.metric, flip.before, flip.after) for flip in flips] == [
        ("q3", "fact_recall", 0, 1),
        ("q7", "fact_recall", 1, 0),
    ]


@pytest.mark.parametrize(
    ("changed", "what"), [("corpus", "papers"), ("questions", "questions"), ("split", "questions")]
)
def test_runs_over_other_questions_or_papers_are_refused(tmp_path: Path, changed: str, what: str) -> None:
    runs = write_run(tmp_path / "a"), write_run(tmp_path / "b", manifest={changed: "other"})
    with pytest.raises(InputError, match=f"other {what}"):
        compare(*runs)
    write_baseline(load_run(runs[0]), tmp_path / "baseline.jsonl")
    with pytest.raises(InputError, match=f"other {what}"):
        judge_run(load_run(runs[1]), tmp_path / "baseline.jsonl")


def test_the_gate_passes_an_equal_run_and_fails_a_worse_one(tmp_path: Path) -> None:
    good, bad, baseline = write_run(tmp_path / "a"), write_run(tmp_path / "b", wrong=EVENS), tmp_path / "base.jsonl"
    assert evals("gate", good, "--write", baseline).returncode == 0
    passed, failed = evals("gate", good, "--baseline", baseline), evals("gate", bad, "--baseline", baseline)
    assert (passed.returncode, failed.returncode) == (0, 1)
    assert "passed: 40 questions" in passed.stdout
    assert "worse: fact_recall 1.000 → 0.500" in failed.stdout


def test_the_gate_fails_on_an_invalid_quotation(tmp_path: Path) -> None:
    answer = make_answer(4)
    answer["citations"][0]["quote"] = "It reaches 99 points."
    write_baseline(load_run(write_run(tmp_path / "a")), tmp_path / "base.jsonl")
    failed = evals("gate", write_run(tmp_path / "b", replaced={4: answer}), "--baseline", tmp_path / "base.jsonl")
    assert failed.returncode == 1
    assert failed.stdout == "broken: q4: a quotation is not what stands at its place in the paper\n"


def test_the_gate_fails_on_invented_citations_and_errors(tmp_path: Path) -> None:
    write_baseline(load_run(write_run(tmp_path / "a")), tmp_path / "base.jsonl")
    text = make_answer(1, answer="It reaches 1 points. [1][7]")
    sentence = make_answer(2, sentences=[{"text": "It reaches 2 points.", "citations": [1, 3]}])
    run = load_run(write_run(tmp_path / "b", replaced={1: text, 2: sentence, 3: "the model timed out"}))
    assert judge_run(run, tmp_path / "base.jsonl").broken == (
        "q1: cites [7], which no citation has",
        "q2: cites [3], which no citation has",
        "q3: no answer (the model timed out)",
    )


def test_a_number_in_brackets_in_a_papers_own_words_is_no_invented_citation(tmp_path: Path) -> None:
    answer = make_answer(1, answer="“as in [12]” [1]")
    answer["citations"][0]["quote"] = "as in [12]"
    write_baseline(load_run(write_run(tmp_path / "a")), tmp_path / "base.jsonl")
    judged = judge_run(load_run(write_run(tmp_path / "b", replaced={1: answer})), tmp_path / "base.jsonl")
    assert not any("cites" in line for line in judged.broken)


def test_a_run_with_errors_makes_no_baseline(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no answer to q3"):
        write_baseline(load_run(write_run(tmp_path / "a", replaced={3: "down"})), tmp_path / "base.jsonl")


@pytest.mark.parametrize("text", ["", "{half", "[1, 2]\n", '{"questions": "q"}\n{"id": "q1", "scores": {}}\n'])
def test_a_file_that_is_no_baseline_of_these_questions_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "base.jsonl").write_text(text)
    with pytest.raises(InputError, match=r"base\.jsonl .* baseline"):
        judge_run(load_run(write_run(tmp_path / "a")), tmp_path / "base.jsonl")


def test_commands_print_a_table_json_or_one_line_of_error(tmp_path: Path) -> None:
    good, bad = write_run(tmp_path / "a"), write_run(tmp_path / "b", wrong=EVENS)
    shown = evals("compare", good, bad).stdout
    assert "fact_recall" in shown
    assert "q0  How many points" in shown
    printed = json.loads(evals("compare", good, bad, "--json").stdout)
    assert {each["metric"]: each["verdict"] for each in printed["differences"]}["fact_recall"] == "worse"
    assert len(printed["flips"]) == 20
    refused = evals("compare", good, tmp_path)
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert evals("gate", good).returncode == 2
