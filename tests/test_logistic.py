"""The regressions that ship with the program are read with the features they were fitted for."""

from pathlib import Path

import numpy as np
import pytest

from chatbot import answerable, logistic, ranking
from chatbot.errors import ResourceError
from chatbot.logistic import load_logistic


def test_committed_regressions_fit_the_features() -> None:
    assert load_logistic("sentences", ranking.FEATURES).weights
    thresholds = load_logistic("answerable", answerable.FEATURES).thresholds
    assert 0 < thresholds["refuse_below"] < thresholds["doubt_below"] < 1


def test_a_regression_made_for_other_features_is_refused() -> None:
    with pytest.raises(ResourceError, match="other features"):
        load_logistic("answerable", answerable.FEATURES[:-1])
    with pytest.raises(ResourceError, match="does not fit"):
        load_logistic("answerable", (*answerable.FEATURES, "mood"))


def test_a_regression_comes_back_as_it_was_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logistic, "_FOLDER", tmp_path)
    logistic.Logistic(("a", "b"), (1.0, -2.0), 0.5, {"high": 0.7}).save("x", made_by="a test")
    loaded = load_logistic("x", ("b", "a"))
    assert loaded.weights == (-2.0, 1.0)
    assert loaded.thresholds == {"high": 0.7}
    np.testing.assert_allclose(loaded.log_odds([[1, 1], [0, 0]]), [-0.5, 0.5])
    np.testing.assert_allclose(loaded.probability([0, 0]), 1 / (1 + np.exp(-0.5)))
