"""Answer quality on the question set: key facts, the right paper, and knowing when not to answer.

Knows questions and answers; knows nothing of how answers are made.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from chatbot import PaperChatbot
from chatbot.answers import Answer
from evals.questions import Sample

SINGLE = ("lookup", "how", "figures")


@dataclass(frozen=True, slots=True)
class Score:
    """What one answer got. Fractions from 0 to 1; None where the question has nothing to score."""

    sample: Sample
    answer: Answer
    fact_recall: float | None
    first_paper: float | None
    paper_recall: float | None
    paper_precision: float | None
    right_status: float


def score_answer(sample: Sample, answer: Answer) -> Score:
    """Score ``answer`` against ``sample``; a fact is told when one of its aliases occurs in what the reader sees."""
    shown = answer.answer if answer.status != "abstained" else ""
    told = " ".join([shown, *(sentence.text for sentence in answer.sentences)]).lower()
    cited = list(dict.fromkeys(citation.paper_id for citation in answer.citations))
    answerable = sample.expected == "answered"
    facts = [any(alias.lower() in told for alias in fact.aliases) for fact in sample.facts]
    right = set(cited) & set(sample.papers)
    return Score(
        sample=sample,
        answer=answer,
        fact_recall=sum(facts) / len(facts) if facts else None,
        first_paper=float(bool(answer.retrieved) and answer.retrieved[0].paper.id in sample.papers)
        if answerable
        else None,
        paper_recall=len(right) / len(sample.papers) if answerable else None,
        paper_precision=len(right) / len(cited) if answerable and cited else None,
        right_status=float((answer.status != "abstained") == answerable),
    )


def ask_samples(bot: PaperChatbot, samples: Sequence[Sample]) -> list[Score]:
    """Ask each question with its history and score the answer."""
    return [score_answer(sample, bot.ask(sample.question, history=sample.turns[:-1])) for sample in samples]


def mean(values: Sequence[float | None]) -> float:
    """Return the mean of the values that are there; NaN when there are none."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else float("nan")


def summarise(scores: Sequence[Score]) -> dict[str, dict[str, float]]:
    """Return means by question type; ``single`` gathers the questions about one paper."""
    groups: dict[str, list[Score]] = defaultdict(list)
    for score in scores:
        groups[score.sample.type].append(score)
        if score.sample.type in SINGLE:
            groups["single"].append(score)
        groups["all"].append(score)
    return {
        name: {
            "questions": len(group),
            "fact_recall": mean([score.fact_recall for score in group]),
            "first_paper": mean([score.first_paper for score in group]),
            "paper_recall": mean([score.paper_recall for score in group]),
            "paper_precision": mean([score.paper_precision for score in group]),
            "right_status": mean([score.right_status for score in group]),
            "sentences": mean([len(score.answer.sentences) for score in group]),
        }
        for name, group in groups.items()
    }


def abstention_auc(scores: Sequence[Score]) -> float:
    """Return the chance that an answerable question gets a higher confidence than an unanswerable one."""
    from sklearn.metrics import roc_auc_score

    expected = [score.sample.expected == "answered" for score in scores]
    return float(roc_auc_score(expected, [score.answer.confidence for score in scores]))
