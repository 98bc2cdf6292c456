"""Rank the sentences of a paper by how likely they belong in the answer to a question.

Knows matches and what abstracts' sentences look like; knows nothing of models, storage or how answers are worded.
The weights are a logistic regression over hand-marked answers to questions about other papers
(``python -m evals calibrate``).
"""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from chatbot.logistic import load_logistic
from chatbot.records import Match, Question
from chatbot.roles import ROLES, find_roles

Matrix = npt.NDArray[np.float64]

MEASURES = ("words", "phrases", "best_phrase", "lead", "distinctive", "literal", "before", "position")
CUES = ("first", "last", "introduces", "figures", "link", "length", "background", "objective", "method", "result")
WANTS = ("any", "figure", "link", "background", "method", "overview", "compare", "which")
FEATURES = (*MEASURES, *(f"{want}:{cue}" for want in WANTS for cue in CUES))

_INTRODUCES = re.compile(
    r"\b(?:we|this (?:paper|work|article)) (?:\w+ )?"
    r"(?:propose|introduce|present|develop|design|describe|stud|investigat|refer to)"
    r"|\b(?:called|termed|dubbed)\b",
    re.I,
)
_FIGURES = re.compile(r"\d+(?:\.\d+)?")


def rank_sentences(question: Question, matches: Sequence[Match]) -> list[Match]:
    """Return the matches with ``evidence`` set: for each sentence the log-odds that it belongs in the answer."""
    regression = load_logistic("sentences", FEATURES)
    return [replace(match, evidence=regression.log_odds(measure_sentences(question, match))) for match in matches]


def measure_sentences(question: Question, match: Match) -> Matrix:
    """Return the values of ``FEATURES`` for each sentence of ``match``, shape (sentences, features)."""
    cues = _read_cues(match)
    wants = (
        True,
        question.wants_figure,
        question.wants_link,
        question.wants_background,
        question.wants_method,
        question.wants_overview,
        question.kind == "compare",
        question.kind == "which",
    )
    return np.hstack([_compare_words(match), *(cues * wanted for wanted in wants)])


def _compare_words(match: Match) -> Matrix:
    """Return the values of ``MEASURES``: most are compared with the paper's other sentences, in deviations."""
    words, count = match.words.astype(np.float64), len(match.spans)
    phrases = match.phrases if match.phrases.size else words
    mean = words.mean(axis=1)
    second = np.sort(words, axis=0)[-2] if count > 1 else np.zeros(words.shape[1])
    spread = words.std(axis=0)
    literal = (match.literal[1:] & ~match.literal[0]).mean(axis=1)
    columns = [
        _deviations(mean),
        _deviations(phrases.mean(axis=1)),
        _deviations(phrases.max(axis=1)),
        np.maximum(words - second, 0).mean(axis=1) * 5,
        _deviations(words @ (spread / (spread.sum() + 1e-9))),
        _deviations(literal),
        np.r_[0, _deviations(mean)[:-1]],
        np.arange(count) / max(count - 1, 1),
    ]
    return np.stack(columns, axis=1)


def _deviations(values: Matrix) -> Matrix:
    return np.asarray((values - values.mean()) / (values.std() + 1e-6))


def _read_cues(match: Match) -> Matrix:
    """Return the values of ``CUES`` for each sentence, shape (sentences, cues); of a role, its probability."""
    last = len(match.spans) - 1
    texts = [span.text for span in match.spans]
    seen = [
        [
            at == 0,
            at == last,
            bool(_INTRODUCES.search(text)),
            len(_FIGURES.findall(text)) ** 0.5,
            "://" in text or ".com/" in text,
            min(len(text) / 200, 2),
        ]
        for at, text in enumerate(texts)
    ]
    likely = find_roles(texts, match.meanings)
    return np.hstack([np.array(seen, np.float64), likely[:, [ROLES.index(role) for role in CUES[-4:]]]])
