"""Judge whether the papers found can answer a question at all.

Knows how well questions are covered; knows nothing of how answers are written. The weights are a logistic
regression fitted by ``python -m evals calibrate``, which writes ``calibration.json``.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from chatbot.records import Judgement, Match, Question

FEATURES = ("coverage", "weakest_word", "phrases", "unknown_name", "words")
_FILE = Path(__file__).with_name("calibration.json")


@dataclass(frozen=True, slots=True)
class Calibration:
    """One weight for each of ``FEATURES``, and the confidences below which to refuse and to add a caveat."""

    weights: tuple[float, ...]
    bias: float
    refuse_below: float
    doubt_below: float


@cache
def load_calibration() -> Calibration:
    """Return the committed calibration."""
    stored = json.loads(_FILE.read_text())
    return Calibration(
        tuple(stored["weights"][name] for name in FEATURES),
        stored["bias"],
        stored["refuse_below"],
        stored["doubt_below"],
    )


def measure(question: Question, chosen: Sequence[Match], unknown_names: Sequence[str]) -> list[float]:
    """Return the values of ``FEATURES`` for an answer from the ``chosen`` matches.

    Mean and minimum over the question's words, and mean over its phrases, of the best match in any sentence;
    whether it has a name that no indexed paper mentions; its number of words, in twenties.
    """
    words = np.concatenate([match.words for match in chosen]).max(axis=0)
    phrases = np.concatenate([match.phrases for match in chosen]).max(axis=0) if question.phrases else words
    return [
        float(words.mean()),
        float(words.min()),
        float(phrases.mean()),
        float(bool(unknown_names)),
        len(question.words) / 20,
    ]


def judged_papers(question: Question, chosen: Sequence[Match]) -> Sequence[Match]:
    """Return the matches that a judgement rests on: all sides of a comparison, else the best one."""
    return chosen if question.kind == "compare" else chosen[:1]


def judge(question: Question, chosen: Sequence[Match], unknown_names: Sequence[str]) -> Judgement:
    """Return whether the ``chosen`` matches answer ``question``; ``unknown_names`` stand in no indexed paper.

    A list of papers is judged by its best one, a comparison by its papers together.
    """
    if not question.words or not chosen:
        return Judgement(0.0, "refused", tuple(unknown_names))
    judged = judged_papers(question, chosen)
    calibration = load_calibration()
    logit = calibration.bias + float(np.dot(calibration.weights, measure(question, judged, unknown_names)))
    confidence = float(1 / (1 + np.exp(-logit)))
    missing = tuple(unknown_names) or tuple(_find_missing(question, judged))
    if question.wants_link:
        has_link = any("://" in span.text for match in judged for span in match.spans)
        if not has_link:
            return Judgement(min(confidence, calibration.refuse_below / 2), "refused", ("a link",))
        if judged[0].named and not unknown_names:
            confidence = max(confidence, calibration.doubt_below)
    elif question.kind == "compare" and len(judged) > 1 and all(match.named for match in judged) and not unknown_names:
        confidence = max(confidence, calibration.doubt_below)  # both sides are there to be told
    if confidence < calibration.refuse_below:
        return Judgement(confidence, "refused", missing)
    return Judgement(confidence, "doubtful" if confidence < calibration.doubt_below else "sure", missing)


def _find_missing(question: Question, chosen: Sequence[Match]) -> list[str]:
    """Return the phrases of the question that the chosen papers cover worst, at most three, worst first."""
    if not question.phrases:
        return []
    covered = np.concatenate([match.phrases for match in chosen]).max(axis=0)
    order = np.argsort(covered)
    weak = [question.phrases[at] for at in order if covered[at] < 0.5]
    return (weak or [question.phrases[order[0]]])[:3]
