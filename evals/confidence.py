"""Whether the confidence of answers can be relied on: the risk at each coverage, and calibration.

Knows scored questions; knows nothing of how confidence comes about or how plots are drawn.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from evals.scores import Scored
from evals.statistics import separate, wilson
from evals.summary import is_right

BINS = 10


@dataclass(frozen=True, slots=True)
class RiskPoint:
    """At one threshold of confidence: the share of questions at or above it, and the share of those not right."""

    confidence: float
    coverage: float
    risk: float


@dataclass(frozen=True, slots=True)
class RiskCurve:
    """The points from the surest question to all of them, and the ``area`` below; None without points."""

    points: tuple[RiskPoint, ...]
    area: float | None


@dataclass(frozen=True, slots=True)
class Separation:
    """The area under a ROC curve and its 95% interval, None where there is but one kind of question."""

    area: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Bin:
    """The questions with a confidence from ``start`` to ``end``: how many, mean confidence, and the share right.

    ``low`` and ``high`` are Wilson's 95% interval of that share.
    """

    start: float
    end: float
    count: int
    confidence: float
    right: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """The bins that hold questions, and their ``error``: the mean over questions of |confidence - share right|."""

    bins: tuple[Bin, ...]
    error: float | None


def trace_risk(scored: Sequence[Scored]) -> RiskCurve:
    """Return the risk-coverage curve (El-Yaniv and Wiener 2010); the lower its area, the better.

    Questions come in the order of falling confidence. All that are abstained from or failed come last, as one point of
    confidence 0, and are not right: so refusing everything has an area of 1, and the best area there is depends on
    how many questions the papers answer. The area is the sum of risk × gain in coverage over the points.
    """
    ranked = sorted(((_rank(each), right) for each, right in _judged(scored)), key=lambda pair: -pair[0])
    points, seen, wrong, area = list[RiskPoint](), 0, 0, 0.0
    for confidence, tied in groupby(ranked, key=lambda pair: pair[0]):
        outcomes = [right for _, right in tied]
        seen, wrong = seen + len(outcomes), wrong + outcomes.count(False)
        area += wrong / seen * len(outcomes) / len(ranked)
        points.append(RiskPoint(max(confidence, 0.0), seen / len(ranked), wrong / seen))
    return RiskCurve(tuple(points), area if points else None)


def separate_answerable(scored: Sequence[Scored]) -> Separation:
    """Return how well confidence tells answerable questions from the others, by ``statistics.separate``."""
    confidences: dict[bool, list[float]] = {True: [], False: []}
    for each in scored:
        if each.answer:
            confidences[each.sample.expected == "answered"].append(float(each.answer["confidence"]))
    if not all(confidences.values()):
        return Separation(None, None, None)
    area, (low, high) = separate(confidences[True], confidences[False])
    return Separation(area, low, high)


def calibrate_confidence(scored: Sequence[Scored]) -> Calibration:
    """Return how confidence and right answers agree, in ten bins of equal width (Guo and others 2017).

    All answers count, abstentions too, which are not right; errors have no confidence and are left out.
    """
    pairs = [(float(each.answer["confidence"]), right) for each, right in _judged(scored) if each.answer]
    places = [min(int(confidence * BINS), BINS - 1) for confidence, _ in pairs]
    bins = tuple(
        _make_bin(at, [pair for pair, place in zip(pairs, places, strict=True) if place == at])
        for at in sorted(set(places))
    )
    gaps = sum(each.count * abs(each.confidence - each.right) for each in bins)
    return Calibration(bins, gaps / len(pairs) if pairs else None)


def _judged(scored: Sequence[Scored]) -> list[tuple[Scored, bool]]:
    return [(each, right) for each in scored if (right := is_right(each)) is not None]


def _rank(scored: Scored) -> float:
    """Return the confidence of an answer, -1 for what is not answered."""
    return -1.0 if scored.answer is None or scored.abstained else float(scored.answer["confidence"])


def _make_bin(at: int, pairs: Sequence[tuple[float, bool]]) -> Bin:
    right = sum(right for _, right in pairs)
    return Bin(
        start=at / BINS,
        end=(at + 1) / BINS,
        count=len(pairs),
        confidence=sum(confidence for confidence, _ in pairs) / len(pairs),
        right=right / len(pairs),
        low=wilson(right, len(pairs)).low,
        high=wilson(right, len(pairs)).high,
    )
