"""Judge whether the papers found can answer a question at all.

Knows how well questions are covered; knows nothing of how answers are written. The weights are a logistic
regression fitted by ``python -m evals calibrate`` on the development half of the question set.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from chatbot.records import Judgement, Match, Question

FEATURES = ("coverage", "best_sentence", "phrase_mean", "phrase_min", "first_phrase", "unknown_names", "no_figure")
_FILE = Path(__file__).with_name("calibration.json")


@dataclass(frozen=True, slots=True)
class Calibration:
    """One weight for each of ``FEATURES``, and the confidence from which an answer is given."""

    weights: tuple[float, ...]
    bias: float
    threshold: float


@cache
def load_calibration() -> Calibration:
    """Return the committed calibration."""
    stored = json.loads(_FILE.read_text())
    return Calibration(tuple(stored["weights"][name] for name in FEATURES), stored["bias"], stored["threshold"])


def measure(question: Question, chosen: Sequence[Match], unknown_names: Sequence[str]) -> list[float]:
    """Return the values of ``FEATURES`` for an answer from the ``chosen`` matches, all between 0 and 1."""
    words = np.concatenate([match.words for match in chosen])
    phrases = np.concatenate([match.phrases for match in chosen]).max(axis=0) if question.phrases else np.zeros(1)
    has_figure = any(char.isdigit() for match in chosen for span in match.spans for char in span.text)
    return [
        float(words.max(axis=0).mean()),
        float(words.mean(axis=1).max()),
        float(phrases.mean()),
        float(phrases.min()),
        float(phrases[0]),
        len(unknown_names) / max(len(question.names), 1),
        float(question.wants_figure and not has_figure),
    ]


def judge(question: Question, chosen: Sequence[Match], unknown_names: Sequence[str]) -> Judgement:
    """Return whether the ``chosen`` matches answer ``question``; ``unknown_names`` stand in no indexed paper.

    A list of papers is judged by its best one, a comparison by its papers together.
    """
    if not question.words or not chosen:
        return Judgement(0.0, False, tuple(unknown_names))
    judged = chosen if question.kind == "compare" else chosen[:1]
    calibration = load_calibration()
    logit = calibration.bias + float(np.dot(calibration.weights, measure(question, judged, unknown_names)))
    confidence = float(1 / (1 + np.exp(-logit)))
    missing = tuple(unknown_names) or tuple(_find_missing(question, judged))
    return Judgement(confidence, confidence >= calibration.threshold, missing)


def _find_missing(question: Question, chosen: Sequence[Match]) -> list[str]:
    """Return the phrases of the question that the chosen papers cover worst, at most three, worst first."""
    if not question.phrases:
        return []
    covered = np.concatenate([match.phrases for match in chosen]).max(axis=0)
    order = np.argsort(covered)
    weak = [question.phrases[at] for at in order if covered[at] < 0.5]
    return (weak or [question.phrases[order[0]]])[:3]
