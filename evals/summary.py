"""What a run scored as a whole: each metric with its interval and counts, right answers, time and money.

Knows scored questions; knows nothing of where they come from or how two runs compare.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evals.scores import METRICS, Metric, Scored, mean
from evals.statistics import Interval, bootstrap_mean, wilson

ALL = "all"


@dataclass(frozen=True, slots=True)
class Summary:
    """One metric over one question type, or over all; ``value`` is None when nothing was scored.

    ``scored``, ``abstained``, ``errored`` and ``undetermined`` add up to the questions: the last three have no score,
    because the bot declined, because it failed, or because its answer has nothing that the metric could judge.
    """

    metric: str
    type: str
    value: float | None
    low: float | None
    high: float | None
    scored: int
    abstained: int
    errored: int
    undetermined: int


@dataclass(frozen=True, slots=True)
class RightAnswers:
    """How often a right answer is given, over all questions whose answers this set's key facts can judge.

    A right answer tells every key fact of a question that the papers answer. ``accuracy`` is right answers / all,
    ``precision`` right answers / answered, ``coverage`` answered / all; so accuracy = precision × coverage. The form is
    LitQA's, the numbers are this set's own. ``answerable`` / all is the best accuracy there is. An error counts among
    all and is not answered. Intervals are Wilson's.
    """

    right: int
    answered: int
    answerable: int
    all: int

    @property
    def accuracy(self) -> float | None:
        """Return right answers / all, None of nothing."""
        return self.right / self.all if self.all else None

    @property
    def precision(self) -> float | None:
        """Return right answers / answered, None when nothing was answered."""
        return self.right / self.answered if self.answered else None

    @property
    def coverage(self) -> float | None:
        """Return answered / all, None of nothing."""
        return self.answered / self.all if self.all else None

    @property
    def intervals(self) -> dict[str, Interval]:
        """Return the 95% intervals of accuracy, precision and coverage."""
        counts = {
            "accuracy": (self.right, self.all),
            "precision": (self.right, self.answered),
            "coverage": (self.answered, self.all),
        }
        return {name: wilson(*pair) for name, pair in counts.items()}


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds that one stage took: the median and the 95th percentile."""

    stage: str
    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class Spending:
    """What language models were asked and gave in a whole run; None is unknown, never zero.

    ``cost_per_right`` is US dollars of all answers, wrong ones too, for each right answer that has citations whose
    quotations are all valid; None also when there is no such answer.
    """

    calls: int
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None
    right_and_cited: int
    cost_per_right: float | None


def summarise(scored: Sequence[Scored]) -> list[Summary]:
    """Return every metric over all questions, then over each type; types in the order of the set."""
    types = dict.fromkeys(each.sample.type for each in scored)
    groups = {ALL: list(scored)} | {name: [each for each in scored if each.sample.type == name] for name in types}
    return [_summarise(metric, name, group) for name, group in groups.items() for metric in METRICS]


def subject(scored: Scored) -> str:
    """Return the group that a question is resampled in: the first paper it is about, or itself when there is none."""
    return scored.sample.papers[0] if scored.sample.papers else scored.sample.id


def is_right(scored: Scored) -> bool | None:
    """Tell whether a right answer was given; None when the question has no key facts to tell it by."""
    answerable = scored.sample.expected == "answered"
    if answerable and not scored.sample.facts:
        return None
    return answerable and scored.answer is not None and not scored.abstained and scored.scores["fact_recall"] == 1


def count_right(scored: Sequence[Scored]) -> RightAnswers:
    """Return the counts of right answers, answers and questions."""
    judged = [(each, right) for each in scored if (right := is_right(each)) is not None]
    return RightAnswers(
        right=sum(right for _, right in judged),
        answered=sum(each.answer is not None and not each.abstained for each, _ in judged),
        answerable=sum(each.sample.expected == "answered" for each, _ in judged),
        all=len(judged),
    )


def measure_latency(scored: Sequence[Scored]) -> list[Latency]:
    """Return the times of each stage that the answers name, over the answers that name it."""
    timings = [each.answer["timings_ms"] for each in scored if each.answer]
    stages = dict.fromkeys(stage for each in timings for stage in each)
    times = {stage: [each[stage] for each in timings if stage in each] for stage in stages}
    return [Latency(stage, *(float(at) for at in np.percentile(each, [50, 95]))) for stage, each in times.items()]


def measure_spending(scored: Sequence[Scored]) -> Spending:
    """Return tokens and cost of all answers, and the cost for each right and cited one."""
    used = list(_usages(scored))
    cost = _sum_known(each["cost_usd"] for each in used)
    right = sum(bool(is_right(each)) and each.scores["valid_quotes"] == 1 for each in scored)
    return Spending(
        calls=sum(each["calls"] for each in used),
        input_tokens=_sum_known(each["input_tokens"] for each in used),
        output_tokens=_sum_known(each["output_tokens"] for each in used),
        cost_usd=cost,
        right_and_cited=right,
        cost_per_right=None if cost is None or not right else cost / right,
    )


def _summarise(metric: Metric, name: str, group: Sequence[Scored]) -> Summary:
    scores = [(score, subject(each)) for each in group if (score := each.scores[metric.name]) is not None]
    values = [score for score, _ in scores]
    interval = _bound(metric, values, [place for _, place in scores]) if values else None
    unscored = [each for each in group if each.scores[metric.name] is None]
    errored = sum(each.answer is None for each in unscored)
    abstained = sum(each.abstained for each in unscored)
    return Summary(
        metric=metric.name,
        type=name,
        value=mean(values),
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        scored=len(values),
        abstained=abstained,
        errored=errored,
        undetermined=len(unscored) - errored - abstained,
    )


def _bound(metric: Metric, values: Sequence[float], groups: Sequence[str]) -> Interval:
    return wilson(round(sum(values)), len(values)) if metric.is_rate else bootstrap_mean(values, groups)


def _usages(scored: Sequence[Scored]) -> Iterator[Mapping[str, Any]]:
    """Yield the usage of every answer for which a language model was called."""
    for each in scored:
        if each.answer and each.answer["usage"] and each.answer["usage"]["calls"]:
            yield each.answer["usage"]


def _sum_known(values: Iterable[float | None]) -> Any:
    """Return the sum, None when any part of it is unknown."""
    known = list(values)
    return None if None in known else sum(value for value in known if value is not None)
