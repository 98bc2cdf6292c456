"""Fit when to refuse: a logistic regression from how well papers cover a question to whether they answer it.

Knows the development questions and the answerability pairs; never looks at the test half.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from chatbot import PaperChatbot, answerable, extract
from evals.questions import load_questions

PAIRS = Path(__file__).with_name("answerability.jsonl")
CALIBRATION = Path(answerable.__file__).with_name("calibration.json")
# Of the answerable questions left out of a fit, this share gets an answer, and this share one without a caveat.
ANSWERED, ANSWERED_FREELY = 0.97, 0.85


@dataclass(frozen=True, slots=True)
class CalibrationResult:
    """The fitted file, and on questions left out of the fit: AUC, and shares of the unanswerable ones."""

    calibration: dict[str, object]
    questions: int
    auc: float
    refused: float
    refused_or_doubted: float


def calibrate(bot: PaperChatbot, folds: int = 10) -> CalibrationResult:
    """Fit the weights, and set both thresholds on the questions left out of each of ``folds`` fits."""
    values, expected, groups = _measure_questions(bot)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.3, max_iter=1000))
    left_out = cross_val_predict(model, values, expected, groups=groups, cv=GroupKFold(folds), method="predict_proba")[
        :, 1
    ]
    refuse_below, doubt_below = np.quantile(left_out[expected], [1 - ANSWERED, 1 - ANSWERED_FREELY])
    model.fit(values, expected)
    scaler, regression = model[0], model[1]
    weights = regression.coef_[0] / scaler.scale_
    bias = float(regression.intercept_[0] - (weights * scaler.mean_).sum())
    return CalibrationResult(
        calibration={
            "made_by": "python -m evals calibrate",
            "weights": dict(zip(answerable.FEATURES, weights.round(4).tolist(), strict=True)),
            "bias": round(bias, 4),
            "refuse_below": round(float(refuse_below), 3),
            "doubt_below": round(float(doubt_below), 3),
        },
        questions=len(expected),
        auc=float(roc_auc_score(expected, left_out)),
        refused=float((left_out[~expected] < refuse_below).mean()),
        refused_or_doubted=float((left_out[~expected] < doubt_below).mean()),
    )


def save_calibration(result: CalibrationResult, path: Path = CALIBRATION) -> None:
    """Write the file that the chatbot reads."""
    path.write_text(json.dumps(result.calibration, indent=2) + "\n")


def _measure_questions(bot: PaperChatbot) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_], list[str]]:
    values, expected, groups = [], [], []
    for question, is_answerable, group in _questions():
        read, _, matches = bot.read(question)
        if not read.words or not matches:
            continue
        judged = answerable.judged_papers(read, extract.choose_papers(read, matches))
        values.append(answerable.measure(read, judged, bot.unknown_names(read)))
        expected.append(is_answerable)
        groups.append(group)
    return np.array(values), np.array(expected), groups


def _questions() -> list[tuple[str, bool, str]]:
    """Return question, whether it can be answered, and a group: questions alike are left out together."""
    found = [
        (sample.question, sample.expected == "answered", sample.id)
        for sample in load_questions(split="dev")
        if len(sample.turns) == 1
    ]
    for record in map(json.loads, PAIRS.read_text(encoding="utf-8").splitlines()):
        found.append((record["question"], record["answerable"], record["id"][:-1]))
    return found
