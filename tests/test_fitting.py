"""Regressions are fitted so that they say the same without scikit-learn."""

import numpy as np
import pytest

from evals.fitting import fit_logistic, make_model, predict_left_out

DICE = np.random.default_rng(0)
VALUES = DICE.normal(5, 3, (200, 3))
EXPECTED = VALUES[:, 0] + VALUES[:, 1] + DICE.normal(0, 1, 200) > 10


@pytest.mark.parametrize("strengths", [0.3, [0.3, 0.001, 2.0]])
def test_the_weights_of_a_fit_predict_what_its_model_does(strengths: float | list[float]) -> None:
    model = make_model(strengths)
    fitted = fit_logistic(model, VALUES, EXPECTED, ("a", "b", "c"), {})
    np.testing.assert_allclose(fitted.probability(VALUES), model.predict_proba(VALUES)[:, 1])


def test_a_feature_with_less_strength_has_less_weight() -> None:
    one, other, _ = fit_logistic(make_model([0.3, 0.001, 0.3]), VALUES, EXPECTED, ("a", "b", "c"), {}).weights
    assert one > 5 * other > 0


def test_an_example_is_predicted_without_its_group() -> None:
    groups = [str(number // 2) for number in range(200)]
    told_by_its_group_alone = np.repeat(np.eye(100), 2, axis=0)[:, :10]
    expected = told_by_its_group_alone.sum(axis=1) > 0
    found = predict_left_out(make_model(10.0), told_by_its_group_alone, expected, groups)
    assert found[expected].max() < 0.5
