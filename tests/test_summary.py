"""A run as a whole: each metric with its counts, right answers, confidence, time and money, on runs made by hand."""

from pathlib import Path

import pytest

from evals.confidence import calibrate_confidence, trace_risk
from evals.runs import load_run
from evals.scores import METRICS, Scored
from evals.statistics import wilson
from evals.summary import count_right, measure_latency, measure_spending, summarise
from tests.recorded_runs import Answer, make_answer, make_refusal, write_run


def scored(folder: Path, replaced: dict[int, Answer | str], wrong: range = range(0)) -> tuple[Scored, ...]:
    return load_run(write_run(folder / "run", wrong, replaced)).scored


def test_every_metric_is_told_over_all_and_by_type_with_counts_that_add_up(tmp_path: Path) -> None:
    found = summarise(scored(tmp_path, {0: make_refusal(0), 1: "the model timed out"}))
    assert [each.type for each in found] == [name for name in ("all", "lookup", "figures") for _ in METRICS]
    totals = {"all": 40, "lookup": 20, "figures": 20}
    assert {each.scored + each.abstained + each.errored + each.undetermined - totals[each.type] for each in found} == {
        0
    }
    by_name = {(each.metric, each.type): each for each in found}
    words, status = by_name["words", "all"], by_name["right_status", "all"]
    assert (words.scored, words.abstained, words.errored, words.undetermined) == (38, 1, 1, 0)
    assert by_name["forbidden", "all"].undetermined == 38
    assert by_name["forbidden", "all"].value is None
    assert (status.low, status.high) == wilson(38, 39)
    recall = by_name["fact_recall", "lookup"]
    assert recall.value == 0.95
    assert recall.low is not None
    assert recall.high is not None
    assert recall.low < 0.95 < recall.high


def test_right_answers_over_all_over_answered_and_what_is_answered(tmp_path: Path) -> None:
    found = count_right(scored(tmp_path, {0: make_refusal(0), 1: "down"}, wrong=range(2, 12)))
    assert (found.right, found.answered, found.answerable, found.all) == (28, 38, 40, 40)
    assert found.accuracy == pytest.approx((found.precision or 0) * (found.coverage or 0))
    assert found.intervals["precision"] == wilson(28, 38)


def test_refusing_everything_does_not_win(tmp_path: Path) -> None:
    refused = scored(tmp_path, {number: make_refusal(number) for number in range(40)})
    found = count_right(refused)
    assert (found.accuracy, found.precision, found.coverage) == (0, None, 0)
    assert trace_risk(refused).area == 1


def test_risk_grows_with_coverage_when_confidence_is_worth_something(tmp_path: Path) -> None:
    curve = trace_risk(scored(tmp_path, {38: make_refusal(38), 39: "down"}, wrong=range(0, 8)))
    assert [(point.confidence, point.coverage, point.risk) for point in curve.points] == [
        (0.9, 0.75, 0),
        (0.4, 0.95, pytest.approx(8 / 38)),
        (0, 1, 0.25),
    ]
    assert curve.area == pytest.approx(8 / 38 * 0.2 + 0.25 * 0.05)
    assert trace_risk([]).area is None


def test_calibration_holds_confidence_against_right_answers(tmp_path: Path) -> None:
    found = calibrate_confidence(scored(tmp_path, {0: make_answer(0, confidence=1.0)}, wrong=range(20, 30)))
    assert [(each.start, each.count, each.right) for each in found.bins] == [(0.4, 10, 0), (0.9, 30, 1)]
    assert found.error == pytest.approx((10 * 0.4 + 29 * 0.1) / 40)
    assert calibrate_confidence([]).error is None


def test_latency_is_told_by_stage(tmp_path: Path) -> None:
    found = {each.stage: each for each in measure_latency(scored(tmp_path, {0: "down"}))}
    assert set(found) == {"retrieve", "answer", "total"}
    assert (found["retrieve"].p50, found["answer"].p95) == (30, 1)


def test_costs_are_told_for_each_right_and_cited_answer_and_unknown_ones_stay_unknown(tmp_path: Path) -> None:
    used = {"input_tokens": 100, "output_tokens": 10, "cost_usd": 0.01, "calls": 1}
    answers: dict[int, Answer | str] = {number: make_answer(number, number > 9, usage=used) for number in range(40)}
    found = measure_spending(scored(tmp_path / "a", answers))
    assert (found.calls, found.input_tokens, found.output_tokens) == (40, 4000, 400)
    assert found.right_and_cited == 30
    assert found.cost_per_right == pytest.approx(0.4 / 30)
    answers[5] = make_answer(5, usage=used | {"cost_usd": None, "output_tokens": None})
    unknown = measure_spending(scored(tmp_path / "b", answers))
    assert (unknown.input_tokens, unknown.output_tokens, unknown.cost_per_right) == (4000, None, None)
    assert measure_spending(scored(tmp_path / "c", {})).input_tokens == 0
