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
from chatbot.records import Kind, Match, Question, Want
from chatbot.roles import ROLES, find_roles

Matrix = npt.NDArray[np.float64]

MEASURES = ("words", "phrases", "best_phrase", "lead", "distinctive", "literal", "before", "position")
CUES = ("first", "last", "introduces", "figures", "link", "length", "background", "objective", "method", "result")
WANTS: tuple[Want, ...] = ("figure", "link", "background", "method", "overview", "result", "purpose", "data")
KINDS: tuple[Kind, ...] = ("compare", "which")
FEATURES = (*MEASURES, *(f"{want}:{cue}" for want in ("any", *WANTS, *KINDS) for cue in CUES))

_INTRODUCES = re.compile(
    r"\b(?:we|this (?:paper|work|article)) (?:\w+ )?"
    r"(?:propose|introduce|present|develop|design|describe|stud|investigat|refer to)"
    r"|\b(?:called|termed|dubbed)\b",
    re.I,
)
_FIGURES = re.compile(r"\d+(?:\.\d+)?")


def rank_sentences(question: Question, matches: Sequence[Match]) -> list[Match]:
    """Return the matches with ``evidence`` and ``order`` set."""
    regression = load_logistic("sentences", FEATURES)
    ranked = []
    for match in matches:
        cues = _read_cues(match)
        whole = _measure(question, match, cues)
        parts = [
            regression.probability(_measure(part, _narrow(match, question, part), cues)) for part in question.parts
        ]
        order = _order(regression.probability(whole), np.array(parts).reshape(-1, len(whole)))
        ranked.append(replace(match, evidence=regression.log_odds(whole), order=order))
    return ranked


def _order(whole: Matrix, parts: Matrix) -> tuple[int, ...]:
    """Return the sentences, best first, from their probabilities for the whole question and for each of its parts.

    Where several things are asked, the next one is that which tells most of what those before it leave open: the sum
    of its probabilities to belong in the answer to each part, each weighted by the probability that no sentence
    before it does, and of that to belong in the answer as a whole.
    """
    still_open, order = np.ones(len(parts)), list[int]()
    while len(order) < len(whole):
        gain = whole + still_open @ parts
        gain[order] = -1
        order.append(int(gain.argmax()))
        still_open *= 1 - parts[:, order[-1]]
    return tuple(order)


def _narrow(match: Match, question: Question, part: Question) -> Match:
    """Return ``match`` with what concerns the words of ``part`` alone, or as it is where they say nothing."""
    pieces = [any(start <= at < end for start, end in part.words) for at in match.starts]
    if not any(pieces):  # or none that the model reads of so long a question
        return match
    words = [span in part.words for span in question.words]
    phrases = [phrase in part.phrases for phrase in question.phrases]
    return replace(
        match, words=match.words[:, pieces], literal=match.literal[:, words], phrases=match.phrases[:, phrases]
    )


def measure_sentences(question: Question, match: Match) -> Matrix:
    """Return the values of ``FEATURES`` for each sentence of ``match``, shape (sentences, features)."""
    return _measure(question, match, _read_cues(match))


def _measure(question: Question, match: Match, cues: Matrix) -> Matrix:
    wanted = (True, *(want in question.wants for want in WANTS), *(question.kind == kind for kind in KINDS))
    return np.hstack([_compare_words(match), *(cues * each for each in wanted)])


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
