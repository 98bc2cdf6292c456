"""Judge whether the papers found can answer a question at all.

Knows how well questions are covered; knows nothing of how answers are written. The weights are a logistic
regression fitted by ``python -m evals calibrate``.
"""

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from chatbot.figures import has_count
from chatbot.logistic import load_logistic
from chatbot.records import WORD_DIMENSIONS, Judgement, Match, Paper, Question, papers_asked_about

LACKING = tuple(f"lacking {number}" for number in range(WORD_DIMENSIONS))
FEATURES = (
    "coverage",
    "weakest_word",
    "phrases",
    "absent_name",
    "unknown_name",
    "sentence_coverage",
    "sentence_weakest",
    "no_figure",
    "uncounted",
    "words",
    *LACKING,
)
HEARD_OF = 0.5  # coverage from which a subject may be there in other words
# A number that stands by itself, and not in a name such as GPT-4 or 3D.
_NUMBER = re.compile(r"(?<![\w.-])\d+(?:[.,]\d+)*(?:%|x|[kKMB]\b)?(?![\w-])|\d\s?\\?%")


def measure(question: Question, judged: Sequence[Match], unknown_names: Sequence[str]) -> list[float]:
    """Return the values of ``FEATURES`` for an answer from the ``judged`` matches; see ``judge`` for the names.

    ``coverage``, ``weakest_word`` and ``phrases``: mean and lowest value over the question's words, and mean over its
    phrases, of the best match in any sentence; ``absent_name``: a name in the question stands in none of the papers,
    ``unknown_name``: in none indexed; ``sentence_…``: coverage and weakest word of the sentence of the first paper with
    most evidence alone; ``no_figure``: one is asked for and that sentence has none; ``uncounted``: the number of some
    things is asked for, and no sentence has one beside the word for them; ``words``: how many the question has, in
    twenties; ``lacking …``: the sum of the vectors of its pieces, each as long as 1 less its best match, since the
    papers may put some words in others but have to have a word such as “GPU” to tell of it. Of a question that calls a
    paper by its whole title, that title's words are left out of the values over words: they tell which paper it is
    about, not that this one answers it.
    """
    first = judged[0]
    told = _tells(judged)
    words = np.concatenate([match.words for match in judged]).max(axis=0)[told]
    lacking = (1 - words) @ first.asked[told]
    phrases = np.concatenate([match.phrases for match in judged]).max(axis=0) if question.phrases else words
    best = int(first.evidence.argmax())
    text = " ".join(match.hit.paper.text for match in judged).lower()
    held = frozenset().union(*(match.holds for match in judged))  # CIFAR10 also where CIFAR-10 stands
    told_by = [span.text for match in judged for span in match.spans]
    return [
        float(words.mean()),
        float(words.min()),
        float(phrases.mean()),
        float(any(name not in held and name.lower() not in text for name in question.names)),
        float(bool(unknown_names)),
        float(first.words[best][told].mean()),
        float(first.words[best][told].min()),
        float("figure" in question.wants and not _NUMBER.search(first.spans[best].text)),
        float(bool(question.counted) and not any(has_count(each, question.counted) for each in told_by)),
        len(question.words) / 20,
        *lacking.tolist(),
    ]


def _tells(judged: Sequence[Match]) -> npt.NDArray[np.bool_]:
    """Return which pieces of the question belong to no title of the papers; all of them when there are no others."""
    titled = [match for match in judged if match.hit.paper.name == match.hit.paper.title]
    names = [match.called for match in titled if match.called]
    told = np.array([not any(start <= at < end for start, end in names) for at in judged[0].starts])
    return told if told.any() else ~told


def judged_papers(question: Question, chosen: Sequence[Match]) -> Sequence[Match]:
    """Return the matches that a judgement rests on: all sides of a comparison that was asked for, else the best one."""
    return chosen if question.kind == "compare" else sorted(chosen, key=lambda match: -match.value)[:1]


def judge(question: Question, chosen: Sequence[Match], unknown_names: Sequence[str]) -> Judgement:
    """Return whether the ``chosen`` matches answer ``question``; ``unknown_names`` stand in no indexed paper.

    A list of papers is judged by its best one, a comparison by its papers together.
    """
    if not question.words or not chosen:
        return Judgement(0.0, "refused", tuple(unknown_names))
    judged = judged_papers(question, chosen)
    regression = load_logistic("answerable", FEATURES)
    refuse_below, doubt_below = regression.thresholds["refuse_below"], regression.thresholds["doubt_below"]
    confidence = float(regression.probability(measure(question, judged, unknown_names)))
    missing = tuple(unknown_names) or tuple(_find_missing(question, judged))
    papers = papers_asked_about(judged)
    if question.of_record and not all(_told_in_text(field, paper) for paper in papers for field in question.of_record):
        lacking = [f"the {field} of {paper.name}" for paper in papers for field in _lack(paper, question.of_record)]
        silent = len(lacking) == len(papers) * len(question.of_record)
        if silent or unknown_names or not (judged[0].named or confidence >= refuse_below):
            return Judgement(min(confidence, refuse_below / 2), "refused", tuple(unknown_names) or tuple(lacking))
        return Judgement(max(confidence, doubt_below), "doubtful" if lacking else "sure", tuple(lacking))
    lacking = [f"the {field}" for field in question.beside if any(_lack(paper, [field]) for paper in papers)]
    without_link = [match for match in judged if not any("://" in span.text for span in match.spans)]
    if "link" in question.wants and len(without_link) == len(judged):
        if all("link" in part.wants for part in question.parts):
            return Judgement(min(confidence, refuse_below / 2), "refused", ("a link",))
        lacking.append("a link")
    elif "link" in question.wants and without_link:
        lacking += [f"a link of {match.hit.paper.name}" for match in without_link]
    elif "link" in question.wants and judged[0].named and not unknown_names:
        confidence = max(confidence, doubt_below)
    elif question.kind == "compare" and len(judged) > 1 and all(match.named for match in judged) and not unknown_names:
        confidence = max(confidence, doubt_below)  # both sides are there to be told
    unheard = _is_unheard(question, judged[0], unknown_names)
    if confidence < refuse_below or unheard:
        return Judgement(min(confidence, refuse_below / 2) if unheard else confidence, "refused", missing)
    # Whatever else fits, papers that never mention what is asked about may be about something else.
    one_sided = question.kind == "compare" and len(judged) < 2
    sure = confidence >= doubt_below and not (unknown_names or lacking or one_sided)
    return Judgement(confidence, "sure" if sure else "doubtful", tuple(lacking) or missing)


def _is_unheard(question: Question, first: Match, unknown_names: Sequence[str]) -> bool:
    """Tell whether what is asked about is nowhere, so that something like it would be no answer."""
    if question.kind == "which" and not first.literal.any() and first.coverage < HEARD_OF:
        return True
    asked = [question.text[start:end] for start, end in question.words]
    return all(any(word in name for name in unknown_names) for word in asked)


def _lack(paper: Paper, fields: Sequence[str]) -> list[str]:
    """Return those of ``fields`` that neither the paper's record nor its abstract tells."""
    return [field for field in fields if not (getattr(paper, field, None) or _told_in_text(field, paper))]


def _told_in_text(field: str, paper: Paper) -> bool:
    """Tell whether the abstract itself may say what records seldom hold."""
    said = {"licence": r"\blicen[cs]e", "funding": r"\bfund(?:s|ed|ing)?\b"}.get(field)
    return said is not None and re.search(said, paper.text, re.I) is not None


def _find_missing(question: Question, chosen: Sequence[Match]) -> list[str]:
    """Return the phrases of the question that the chosen papers cover worst, at most three, worst first.

    A known name is among them where one of those papers is asked about by name and does not mention it.
    """
    covered = np.concatenate([match.phrases for match in chosen]).max(axis=0)
    pairs = zip(covered, question.phrases, strict=True)
    text = " ".join(match.hit.paper.text for match in chosen if match.named).lower()
    told = sorted((value, p) for value, p in pairs if p not in question.names or (text and p.lower() not in text))
    return [phrase for value, phrase in told if value < 0.5 or phrase == told[0][1]][:3]
