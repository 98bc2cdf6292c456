"""Compare two runs question by question: what got better, what got worse, and what can't be told from chance.

Knows runs, metrics and statistics; knows nothing of how answers are made or how a comparison is shown.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from chatbot.errors import InputError
from evals.records import Run
from evals.scores import METRICS, Metric, Scored
from evals.statistics import (
    LEVEL,
    bootstrap_mean,
    detectable_mean,
    detectable_rate,
    holm,
    mcnemar_p,
    permutation_p,
)
from evals.summary import subject

Verdict = Literal["better", "worse", "can't tell"]
Pairs = Sequence[tuple[Scored, Scored]]


@dataclass(frozen=True, slots=True)
class Difference:
    """One metric in two runs, over the ``pairs`` of answers that it scores in both.

    ``delta`` is after - before, ``low`` and ``high`` its 95% interval from resampling papers. ``adjusted`` is Holm's
    p-value over all metrics compared. ``detectable`` is the smallest difference that these pairs show four times in
    five, None when nothing differs to estimate it from. ``unpaired`` questions are scored in one run only, and are
    left out of everything else here.
    """

    metric: str
    higher_is_better: bool
    before: float
    after: float
    delta: float
    low: float
    high: float
    p: float
    adjusted: float
    detectable: float | None
    pairs: int
    unpaired: int

    @property
    def verdict(self) -> Verdict:
        """Return whether the second run is better, worse, or can't be told from the first."""
        if self.adjusted >= LEVEL:
            return "can't tell"
        return "better" if (self.delta > 0) == self.higher_is_better else "worse"


@dataclass(frozen=True, slots=True)
class Flip:
    """A question whose score by one metric reached the best possible or fell from it."""

    id: str
    question: str
    metric: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Compared:
    """Two runs side by side: each metric that scores some question in both, and the flips, question by question."""

    before: str
    after: str
    questions: int
    differences: tuple[Difference, ...]
    flips: tuple[Flip, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, with the verdict on each difference."""
        verdicts = [asdict(each) | {"verdict": each.verdict} for each in self.differences]
        return asdict(self) | {"differences": verdicts}


def compare_runs(before: Run, after: Run) -> Compared:
    """Return what changed from ``before`` to ``after``.

    Rates are tested with McNemar's exact test over questions, means with a permutation test over papers. Raises
    InputError when the runs are over other questions or papers.
    """
    _check_same(before, after)
    pairs = list(zip(before.scored, after.scored, strict=True))
    found = [each for metric in METRICS if (each := _compare_metric(metric, pairs))]
    adjusted = holm([each.p for each in found])
    return Compared(
        before=str(before.folder),
        after=str(after.folder),
        questions=len(pairs),
        differences=tuple(replace(each, adjusted=value) for each, value in zip(found, adjusted, strict=True)),
        flips=tuple(_find_flips(pairs)),
    )


def _check_same(before: Run, after: Run) -> None:
    for key, what in (("questions", "questions"), ("split", "questions"), ("corpus", "papers")):
        if before.manifest.get(key) != after.manifest.get(key):
            raise InputError(f"{before.folder} and {after.folder} are over other {what}; make both runs over the same")
    if [each.sample.id for each in before.scored] != [each.sample.id for each in after.scored]:
        raise InputError(f"{before.folder} and {after.folder} are over other questions; make both runs over the same")


def _compare_metric(metric: Metric, pairs: Pairs) -> Difference | None:
    """Return the difference by ``metric``, its p-value not yet adjusted; None when no pair has both scores."""
    scores = [(one.scores.get(metric.name), other.scores.get(metric.name), subject(other)) for one, other in pairs]
    both = [(one, other, group) for one, other, group in scores if one is not None and other is not None]
    if not both:
        return None
    differences, groups = [other - one for one, other, _ in both], [group for _, _, group in both]
    before, after = sum(one for one, _, _ in both) / len(both), sum(other for _, other, _ in both) / len(both)
    span = max(1.0, *(score for one, other, _ in both for score in (one, other)))
    low, high = bootstrap_mean(differences, groups, bounds=(-span, span))
    p, detectable = _test(metric, differences, groups)
    return Difference(
        metric=metric.name,
        higher_is_better=metric.higher_is_better,
        before=before,
        after=after,
        delta=after - before,
        low=low,
        high=high,
        p=p,
        adjusted=p,
        detectable=detectable,
        pairs=len(both),
        unpaired=sum((one is None) != (other is None) for one, other, _ in scores),
    )


def _test(metric: Metric, differences: Sequence[float], groups: Sequence[str]) -> tuple[float, float | None]:
    """Return the p-value and the smallest difference that could have been found."""
    if not metric.is_rate:
        return permutation_p(differences, groups), detectable_mean(differences, groups)
    gained, lost = sum(each > 0 for each in differences), sum(each < 0 for each in differences)
    return mcnemar_p(gained, lost), detectable_rate(gained + lost, len(differences))


def _find_flips(pairs: Pairs) -> Iterator[Flip]:
    for one, other in pairs:
        for metric in METRICS:
            best = float(metric.higher_is_better)
            before, after = one.scores.get(metric.name), other.scores.get(metric.name)
            if before is not None and after is not None and (before == best) != (after == best):
                yield Flip(other.sample.id, other.sample.question, metric.name, before, after)
