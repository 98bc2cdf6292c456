"""Fit the two regressions that ship with the chatbot: which sentences answer, and when to refuse.

Knows the training questions over conference abstracts, the development questions and the answerability pairs; never
looks at the test half.
"""

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score

from chatbot import PaperChatbot, answerable, extract, ranking
from chatbot.errors import InputError
from chatbot.logistic import Logistic
from chatbot.records import Match, Question
from evals.fitting import fit_logistic, make_model, predict_left_out
from evals.jsonl import read_jsonl
from evals.questions import load_questions

TRAINING = Path(__file__).with_name("training.jsonl")
PAIRS = Path(__file__).with_name("answerability.jsonl")
MADE_BY = "python -m evals calibrate"
# Of the answerable questions over the seed papers (half of them name no paper), left out of the fit, this share gets
# an answer, and this share one without a caveat.
ANSWERED, ANSWERED_FREELY = 0.98, 0.85


@dataclass(frozen=True, slots=True)
class Reading:
    """A question as read, with the matches found, and the names in it that no paper mentions.

    ``evidence`` lists, by paper, facts as alternatives of spans.
    """

    question: Question
    matches: list[Match]
    unknown_names: list[str]
    answerable: bool
    group: str
    evidence: dict[str, list[list[list[int]]]]
    over_seeds: bool = False


@dataclass(frozen=True, slots=True)
class SentenceFit:
    """The fit for sentences: how many ``pairs`` of a question and a paper; ``recall`` is of facts in the best three.

    Recall is measured on questions left out of the fit.
    """

    regression: Logistic
    pairs: int
    recall: float


@dataclass(frozen=True, slots=True)
class AnswerableFit:
    """The fit for refusing; on questions left out: AUC, and shares of the unanswerable ones."""

    regression: Logistic
    questions: int
    auc: float
    refused: float
    refused_or_doubted: float


def write_training_papers(collection: Path, target: Path) -> None:
    """Write those papers of ``collection`` (JSON Lines, gzipped) that the training questions are about."""
    wanted = {key for record in read_jsonl(TRAINING) for key in [*record["papers"], record.get("near")]}
    try:
        with gzip.open(collection, "rt", encoding="utf-8") as file:
            found = [line for line in file if json.loads(line)["id"] in wanted]
    except OSError as error:
        why = error.strerror or error
        raise InputError(f"{collection} cannot be read ({why}); give --papers the collection") from error
    target.write_text("".join(found), encoding="utf-8")


def clear_sentences() -> None:
    """Write weights of nothing: the first reading looks only at the matches, and features may have changed."""
    Logistic(ranking.FEATURES, (0.0,) * len(ranking.FEATURES), 0.0, {}).save("sentences", MADE_BY)


def read_training(bot: PaperChatbot) -> Iterator[Reading]:
    """Yield the training questions, read by a bot over the training papers."""
    for record in read_jsonl(TRAINING):
        question, _, matches = bot.read(record["question"])
        group = record.get("near") or record["papers"][0]
        if matches:
            unknown = bot.reader.unknown_names(question)
            yield Reading(question, matches, unknown, bool(record["papers"]), group, record["evidence"])


def read_seed_questions(bot: PaperChatbot) -> Iterator[Reading]:
    """Yield the development questions and the answerability pairs, read by a bot over the seed papers."""
    asked = [
        (sample.question, sample.expected == "answered", sample.id)
        for sample in load_questions(split="dev")
        if len(sample.turns) == 1 and not sample.carrier
    ]
    asked += [(record["question"], record["answerable"], record["id"][:-1]) for record in read_jsonl(PAIRS)]
    for text, is_answerable, group in asked:
        question, _, matches = bot.read(text)
        if matches:
            unknown = bot.reader.unknown_names(question)
            yield Reading(question, matches, unknown, is_answerable, group, {}, over_seeds=True)


def fit_sentences(readings: Sequence[Reading]) -> SentenceFit:
    """Fit which sentences belong in an answer, on those papers that each question is about."""
    pairs = [
        (reading, match, reading.evidence[match.hit.paper.id])
        for reading in readings
        for match in reading.matches
        if match.hit.paper.id in reading.evidence
    ]
    values = [ranking.measure_sentences(reading.question, match) for reading, match, _ in pairs]
    wanted = [_mark(match, facts) for _, match, facts in pairs]
    groups = [reading.group for (reading, *_), rows in zip(pairs, values, strict=True) for _ in rows]
    model = make_model(0.01)
    scores = predict_left_out(model, np.concatenate(values), np.concatenate(wanted), groups)
    recalls, at = [], 0
    for (_, match, facts), rows in zip(pairs, values, strict=True):
        best = np.argsort(-scores[at : at + len(rows)])[:3]
        told = {(match.spans[row].start, match.spans[row].end) for row in best}
        recalls.append(np.mean([any((start, end) in told for start, end in fact) for fact in facts]))
        at += len(rows)
    regression = fit_logistic(model, np.concatenate(values), np.concatenate(wanted), ranking.FEATURES, {})
    return SentenceFit(regression, len(pairs), float(np.mean(recalls)))


def fit_answerable(readings: Sequence[Reading]) -> AnswerableFit:
    """Fit when to answer; both thresholds are set on the questions left out of each fold."""
    values = np.array(
        [
            answerable.measure(
                reading.question,
                answerable.judged_papers(reading.question, extract.choose_papers(reading.question, reading.matches)),
                reading.unknown_names,
            )
            for reading in readings
        ]
    )
    expected = np.array([reading.answerable for reading in readings])
    model = make_model([0.003 if name in answerable.LACKING else 0.3 for name in answerable.FEATURES])
    left_out = predict_left_out(model, values, expected, [reading.group for reading in readings])
    over_seeds = np.array([reading.over_seeds for reading in readings])
    refuse, doubt = np.quantile(left_out[expected & over_seeds], [1 - ANSWERED, 1 - ANSWERED_FREELY])
    thresholds = {"refuse_below": float(refuse), "doubt_below": float(doubt)}
    return AnswerableFit(
        regression=fit_logistic(model, values, expected, answerable.FEATURES, thresholds),
        questions=len(expected),
        auc=float(roc_auc_score(expected, left_out)),
        refused=float((left_out[~expected] < refuse).mean()),
        refused_or_doubted=float((left_out[~expected] < doubt).mean()),
    )


def _mark(match: Match, facts: list[list[list[int]]]) -> npt.NDArray[np.bool_]:
    wanted = {(start, end) for fact in facts for start, end in fact}
    return np.array([(span.start, span.end) in wanted for span in match.spans])
