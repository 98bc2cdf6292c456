"""Intervals, tests and smallest differences: right on published and hand-made values, and honest at the edges."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from evals.statistics import (
    bootstrap_mean,
    detectable_mean,
    detectable_rate,
    holm,
    mcnemar_p,
    permutation_p,
    separate,
    wilson,
)

scores = st.lists(st.tuples(st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.sampled_from("abcdefgh")), min_size=1)


def names(count: int) -> list[str]:
    return [f"g{number}" for number in range(count)]


def test_wilson_agrees_with_newcombes_examples() -> None:
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(15, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0, 0.1611), abs=5e-5)
    assert wilson(0, 0) == (0, 1)


@given(st.lists(st.sampled_from([0.1, 0.4, 0.5, 0.9]), min_size=1), st.lists(st.sampled_from([0.1, 0.5]), min_size=1))
def test_the_area_of_two_kinds_is_that_of_their_roc_curve(higher: list[float], lower: list[float]) -> None:
    area, (low, high) = separate(higher, lower)
    kinds = [True] * len(higher) + [False] * len(lower)
    assert area == pytest.approx(roc_auc_score(kinds, higher + lower))
    assert 0 <= low <= area <= high <= 1


def test_the_interval_of_an_area_holds_the_true_one_nineteen_times_of_twenty() -> None:
    dice, true = np.random.default_rng(0), norm.cdf(1.2 / math.sqrt(2))
    drawn = [separate(dice.normal(1.2, 1, 100).tolist(), dice.normal(0, 1, 30).tolist())[1] for _ in range(400)]
    assert 0.92 < np.mean([low <= true <= high for low, high in drawn]) < 0.98


def test_kinds_that_never_overlap_may_yet_do_so() -> None:
    area, interval = separate([0.9, 0.8], [0.1] * 30)
    assert (area, *interval) == pytest.approx((1, 0.05**0.5, 1))


@settings(max_examples=30)
@given(scores)
def test_an_interval_of_a_mean_holds_the_mean_within_what_is_possible(pairs: list[tuple[float, str]]) -> None:
    values, groups = [value for value, _ in pairs], [group for _, group in pairs]
    low, high = bootstrap_mean(values, groups)
    assert 0 <= low <= sum(values) / len(values) + 1e-9
    assert sum(values) / len(values) - 1e-9 <= high <= 1
    assert bootstrap_mean(values, groups) == (low, high)


def test_equal_scores_get_the_rule_of_three_and_not_an_interval_of_no_width() -> None:
    assert bootstrap_mean([1.0] * 59, names(59)) == pytest.approx((0.05 ** (1 / 59), 1))
    assert bootstrap_mean([0.0] * 60, names(60), bounds=(-1, 1)) == pytest.approx((-3 / 60, 3 / 60), rel=0.03)
    low, high = bootstrap_mean([0.2, 0.8, 0.9], ["one"] * 3)
    assert high - low == pytest.approx(0.95)


def test_scores_that_go_together_by_paper_get_a_wider_interval() -> None:
    values = [float(number % 2) for number in range(20) for _ in range(5)]
    apart, together = (
        bootstrap_mean(values, names(100)),
        bootstrap_mean(values, [n for n in names(20) for _ in "12345"]),
    )
    assert together.high - together.low > 1.8 * (apart.high - apart.low)


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(150):
        groups = [name for name in names(40) for _ in range(rng.integers(1, 5))]
        chance = dict(zip(names(40), rng.beta(3, 1, 40), strict=True))
        low, high = bootstrap_mean([float(rng.random() < chance[group]) for group in groups], groups)
        held += low <= 0.75 <= high
    assert held / 150 > 0.9


def test_mcnemar_counts_only_the_pairs_that_differ() -> None:
    assert mcnemar_p(0, 0) == 1
    assert mcnemar_p(6, 0) == pytest.approx(2 / 64)
    assert mcnemar_p(2, 10) == mcnemar_p(10, 2) == pytest.approx(2 * (1 + 12 + 66) / 4096)


def test_few_papers_are_swapped_in_every_way() -> None:
    assert permutation_p([1.0] * 6, names(6)) == pytest.approx(2 / 64)
    assert permutation_p([1.0] * 6 + [0.0] * 50, names(56)) == pytest.approx(2 / 64)
    assert permutation_p([0.5] * 12, names(6) * 2) == pytest.approx(2 / 64)
    assert permutation_p([1.0, -1.0], names(2)) == 1
    assert permutation_p([0.0] * 9, names(9)) == permutation_p([1.0], names(1)) == 1


def test_many_papers_are_swapped_at_random_with_a_seed() -> None:
    noise = list(np.random.default_rng(2).normal(size=50))
    assert permutation_p(noise, names(50)) == permutation_p(noise, names(50)) > 0.05
    assert permutation_p([value + 1 for value in noise], names(50)) < 0.001


def test_noise_is_called_a_difference_no_more_often_than_the_level_allows() -> None:
    rng = np.random.default_rng(3)
    found = sum(permutation_p(list(rng.choice([-1.0, 0.0, 1.0], 12)), names(12)) < 0.05 for _ in range(200))
    assert found / 200 < 0.09


def test_holm_on_a_worked_example() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=20))
def test_holm_never_lowers_a_p_value_nor_changes_their_order(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    assert all(before <= after <= 1 for before, after in zip(p_values, adjusted, strict=True))
    ranked = sorted(range(len(p_values)), key=p_values.__getitem__)
    assert [adjusted[at] for at in ranked] == sorted(adjusted)


def test_smallest_difference_of_rates_solves_connors_equation() -> None:
    total, share = 200, 0.2
    found = detectable_rate(40, total)
    needed = (1.959964 * math.sqrt(share) + 0.841621 * math.sqrt(share - found**2)) ** 2 / found**2
    assert needed == pytest.approx(total, rel=1e-4)


def test_smallest_difference_of_rates_is_never_below_six_pairs() -> None:
    assert detectable_rate(0, 100) == 0.06
    assert detectable_rate(0, 5) == detectable_rate(0, 0) == 1


def test_smallest_difference_of_means() -> None:
    values = [1.0, -1.0] * 50
    assert detectable_mean(values, names(100)) == pytest.approx(2.801585 * np.std(values, ddof=1) / 10)
    assert detectable_mean([0.0] * 9, names(9)) is None
    assert detectable_mean([0.0, 1.0], ["one"] * 2) is None


def test_the_smallest_difference_is_found_four_times_in_five() -> None:
    rng = np.random.default_rng(4)
    smallest = detectable_mean(list(rng.normal(size=4000)), names(4000))
    assert smallest is not None
    of_forty = smallest * math.sqrt(4000 / 40)
    found = sum(permutation_p(list(rng.normal(of_forty, size=40)), names(40)) < 0.05 for _ in range(60))
    assert 0.65 < found / 60 < 0.95
