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

Matrix = npt.NDArray[np.float64]

MEASURES = ("words", "phrases", "best_phrase", "lead", "distinctive", "literal", "before", "position")
CUES = ("first", "last", "method", "result", "setting", "introduces", "figures", "link", "length")
WANTS = ("any", "figure", "link", "background", "method", "overview", "compare", "which")
FEATURES = (*MEASURES, *(f"{want}:{cue}" for want in WANTS for cue in CUES))

_METHOD = re.compile(
    r"\b(?:we (?:propose|introduce|present|develop|design|use|leverage|adopt|derive|employ|define|first|show how)"
    r"|is (?:designed|introduced|proposed|used)|specifically|consists? of|components?|by [a-z]+ing|first(?:ly)?"
    r"|second(?:ly)?|then|finally|instead of|this (?:enables|allows|approach)|module|mechanism|framework)\b",
    re.I,
)
_RESULT = re.compile(
    r"\b(?:results?|experiments?|outperform|achiev|demonstrat|shows? that|improv|state-of-the-art|surpass|evaluat"
    r"|benchmark|datasets?|tested|validate)",
    re.I,
)
_INTRODUCES = re.compile(
    r"\b(?:we|this (?:paper|work|article)) (?:\w+ )?"
    r"(?:propose|introduce|present|develop|design|describe|stud|investigat|refer to)"
    r"|\b(?:called|termed|dubbed)\b",
    re.I,
)
_SETTING = re.compile(
    r"(?:However|Although|Recent|Previous|Existing|Many|Current|Despite|Traditional|While|Unfortunately)\b"
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
    """Return the values of ``CUES`` for each sentence, shape (sentences, cues)."""
    last = len(match.spans) - 1
    return np.array(
        [
            [
                at == 0,
                at == last,
                bool(_METHOD.search(span.text)),
                bool(_RESULT.search(span.text)),
                bool(_SETTING.match(span.text)),
                bool(_INTRODUCES.search(span.text)),
                len(_FIGURES.findall(span.text)) ** 0.5,
                "://" in span.text or ".com/" in span.text,
                min(len(span.text) / 200, 2),
            ]
            for at, span in enumerate(match.spans)
        ],
        np.float64,
    )
