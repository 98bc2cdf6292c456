"""How far a number can be trusted: intervals, tests for two runs, and the smallest difference that could be found.

Knows numbers and the groups they fall in; knows nothing of questions, answers or metrics. Everything random is seeded.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.special import expit, logit
from scipy.stats import binomtest, bootstrap, norm, permutation_test

LEVEL = 0.05  # of every test; intervals hold 95%
POWER = 0.8
RESAMPLES = 1999
PERMUTATIONS = 9999
_SAME = 1e-9  # scores nearer than this differ by rounding only
_FEWEST_ONE_WAY = 6  # discordant pairs: the exact test gives 2 × 0.5⁶ = 0.03 for six, 0.06 for five


class Interval(NamedTuple):
    """The ends of a 95% interval."""

    low: float
    high: float


def wilson(right: int, total: int) -> Interval:
    """Return Wilson's score interval (1927) for ``right`` of ``total``; all of 0 to 1 when there are none."""
    if not total:
        return Interval(0.0, 1.0)
    found = binomtest(right, total).proportion_ci(method="wilson")
    return Interval(float(found.low), float(found.high))


def bootstrap_mean(
    values: Sequence[float], groups: Sequence[str], bounds: tuple[float, float] = (0.0, 1.0), seed: int = 0
) -> Interval:
    """Return an interval for the mean of ``values`` by resampling whole groups, not single values (BCa, Efron 1987).

    Values of one group (questions about one paper) rise and fall together, so resampling them one by one would make
    the interval too narrow. When all n groups have the same mean, resampling shows no spread. Then the exact rule of
    three bounds the share of groups that could differ unseen by 1 - 0.05^(1/n), about 3/n, and the interval is what
    the mean would be if those lay at either of ``bounds``.

    Args:
        values: One score for each question, at least one.
        groups: The group of each value.
        bounds: The least and greatest score possible; a value beyond them takes their place.
        seed: Of the resampling.
    """
    sums, counts = _sum_groups(values, groups)
    means = sums / counts
    if np.ptp(means) < _SAME:
        mean, unseen = float(means[0]), 1 - LEVEL ** (1 / len(means))
        low, high = min(bounds[0], mean), max(bounds[1], mean)
        return Interval(mean - (mean - low) * unseen, mean + (high - mean) * unseen)
    found = bootstrap(
        (sums, counts),
        _ratio,
        paired=True,
        vectorized=True,
        n_resamples=RESAMPLES,
        method="BCa",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return Interval(float(found.low), float(found.high))


def separate(higher: Sequence[float], lower: Sequence[float]) -> tuple[float, Interval]:
    """Return the area under the ROC curve by which values tell two kinds apart, and its interval.

    The area is the chance that one of ``higher`` exceeds one of ``lower``; ties count half. The interval is DeLong's
    (1988), on the log-odds of the area, and counts every value as independent of the others. Where values never
    overlap, it is the rule of three's over the rarer kind.
    """
    above = np.sign(np.subtract.outer(higher, lower)) / 2 + 0.5
    area = float(above.mean())
    unseen = 1 - LEVEL ** (1 / min(above.shape))
    if not 0 < area < 1:
        return area, Interval(area * (1 - unseen), area * (1 - unseen) + unseen)
    variance = sum(above.mean(axis=axis).var() / (above.shape[1 - axis] - 1 or 1) for axis in (0, 1))
    reach = float(norm.ppf(1 - LEVEL / 2) * math.sqrt(variance) / (area * (1 - area)))
    return area, Interval(*map(float, expit(logit(area) + np.array([-reach, reach]))))


def mcnemar_p(gained: int, lost: int) -> float:
    """Return the two-sided p-value of McNemar's exact test for pairs that only one of two runs got right.

    It counts every question as independent of the others.
    """
    return float(binomtest(gained, gained + lost, 0.5).pvalue) if gained + lost else 1.0


def permutation_p(differences: Sequence[float], groups: Sequence[str], seed: int = 0) -> float:
    """Return the two-sided p-value of a paired permutation test, which swaps the two runs in whole groups.

    All swaps are tried where there are no more than PERMUTATIONS of them, that many at random otherwise. Groups
    without a difference are left out, as swapping them changes nothing; of a single group both ways are as far from 0.
    """
    sums, _ = _sum_groups(differences, groups)
    sums = sums[np.abs(sums) > _SAME]
    if len(sums) < 2:
        return 1.0
    rng = np.random.default_rng(seed)
    test = permutation_test(
        (sums,), np.sum, permutation_type="samples", vectorized=True, n_resamples=PERMUTATIONS, rng=rng
    )
    return float(test.pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values adjusted for being several, in the same order (Holm 1979).

    The k-th smallest of m becomes the greatest of (m - j + 1) × p_j over j = 1 … k, and at most 1. The chance of one
    or more false alarms among all m stays below the level.
    """
    adjusted, greatest = [1.0] * len(p_values), 0.0
    for rank, at in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        greatest = max(greatest, (len(p_values) - rank) * p_values[at])
        adjusted[at] = min(1.0, greatest)
    return adjusted


def detectable_rate(discordant: int, total: int) -> float:
    """Return the smallest difference of two paired rates that ``total`` pairs show with 80% power at the 0.05 level.

    With ψ = discordant / total, the d that solves d√n = z₀.₉₇₅√ψ + z₀.₈√(ψ - d²) (Connor 1987). Fewer than six pairs
    are never significant in the exact test, so d is 6 / n at least; it is 1 at most, and for no pairs.
    """
    if total < _FEWEST_ONE_WAY:
        return 1.0
    share, level, power = discordant / total, _level(), _power()
    root = power * math.sqrt(total + power**2 - level**2)
    found = math.sqrt(share) * (level * math.sqrt(total) + root) / (total + power**2)
    return min(1.0, max(found, _FEWEST_ONE_WAY / total))


def detectable_mean(differences: Sequence[float], groups: Sequence[str]) -> float | None:
    """Return the smallest mean difference that these pairs show with 80% power at the 0.05 level.

    It is (z₀.₉₇₅ + z₀.₈) × s, with s² = G / (G - 1) × Σ (sum of a group's differences - mean × its size)² / n², which
    is the variance of the mean over G groups, and of single differences when each is a group of its own. None when
    the differences have no spread to estimate it from.
    """
    sums, counts = _sum_groups(differences, groups)
    rest, many = sums - sums.sum() / counts.sum() * counts, len(sums)
    if many < 2 or np.abs(rest).max() < _SAME:
        return None
    error = math.sqrt(many / (many - 1) * float((rest**2).sum())) / float(counts.sum())
    return (_level() + _power()) * error


def _sum_groups(values: Sequence[float], groups: Sequence[str]) -> tuple[Any, Any]:
    """Return the sum and the number of values in each group, both of shape (groups,)."""
    _, places = np.unique(np.array(groups), return_inverse=True)
    return np.bincount(places, weights=np.array(values, dtype=float)), np.bincount(places)


def _ratio(sums: Any, counts: Any, axis: int) -> Any:
    return sums.sum(axis=axis) / counts.sum(axis=axis)


def _level() -> float:
    return float(norm.ppf(1 - LEVEL / 2))


def _power() -> float:
    return float(norm.ppf(POWER))
