"""Fit the logistic regressions that ship with the chatbot, and predict each example from a fit without its group.

Knows scikit-learn; knows nothing of what the features mean.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from chatbot.logistic import Logistic

FOLDS = 10
Matrix = npt.NDArray[np.float64]
Truth = npt.NDArray[np.bool_]


def make_model(strengths: npt.ArrayLike, balanced: bool = False) -> Pipeline:
    """Return a regression of standardised features; a smaller strength, of all or of each, shrinks weights more."""
    sizes = np.sqrt(strengths)  # a feature made larger needs a smaller weight, which costs the square of that less
    weighting = "balanced" if balanced else None
    return make_pipeline(
        StandardScaler(),
        FunctionTransformer(lambda values: values * sizes),
        LogisticRegression(C=1, max_iter=3000, class_weight=weighting),
    )


def predict_left_out(model: Pipeline, values: Matrix, expected: Truth, groups: Sequence[str]) -> Matrix:
    """Return a probability for each row, from the fit of ``FOLDS`` that its group was left out of."""
    found = cross_val_predict(model, values, expected, groups=groups, cv=GroupKFold(FOLDS), method="predict_proba")
    return np.asarray(found[:, 1])


def fit_logistic(
    model: Pipeline, values: Matrix, expected: Truth, features: tuple[str, ...], thresholds: dict[str, float]
) -> Logistic:
    """Return ``model`` fitted to all rows, in terms of the features as they are before standardising."""
    scaler, sized, regression = model.fit(values, expected)
    weights = regression.coef_[0] * sized.transform(np.ones(len(features))) / scaler.scale_
    bias = float(regression.intercept_[0] - (weights * scaler.mean_).sum())
    return Logistic(features, tuple(map(float, weights)), bias, thresholds)
