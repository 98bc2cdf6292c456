"""A language model's second opinion on whether a passage supports a sentence, held against what is known.

Knows the judge's prompt and the bench of claims; nothing in the product depends on it. An answer that is none of the
three words asked for, or "unsure", is unscored, never wrong.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from chatbot.answering import Answerer
from chatbot.records import Paper
from evals.corruptions import spoil
from evals.jsonl import read_jsonl
from evals.records import Run
from evals.statistics import wilson
from evals.verifier import PARAPHRASES, UNSUPPORTED, Bench

LABELS = 40
VERDICTS = {"supported": True, "unsupported": False}


@dataclass(frozen=True, slots=True)
class JudgeResult:
    """How often the judge was right about honest and spoilt claims; ``low`` and ``high`` bound it (Wilson, 95%)."""

    model: str
    scored: int
    right: int
    unscored: int
    low: float
    high: float


def ask_judge(answerer: Answerer, passage: str, claim: str) -> bool | None:
    """Return whether the model says that ``passage`` supports ``claim``; None when it is unsure or unreadable.

    Raises ModelError.
    """
    prompt = answerer.prompts.render("judge", passage=passage, claim=claim)
    said = "".join(piece for piece in answerer.stream(prompt) if isinstance(piece, str))
    words = re.findall(r"[a-z]+", said.lower())
    return VERDICTS.get(words[0]) if len(words) == 1 else None


def evaluate_judge(bench: Bench, answerer: Answerer, split: str) -> JudgeResult:
    """Ask the judge about the honest claims of one half and about one round of spoilt ones that cite a real paper."""
    honest = bench.honest(split)
    asked = [(claim.text, claim.paper, True) for claim in honest]
    asked += [(spoilt.text, spoilt.cited, False) for _, spoilt in spoil(honest, rounds=1) if spoilt.cited]
    opinions = [(ask_judge(answerer, paper.text, text), truth) for text, paper, truth in asked]
    scored = [(opinion, truth) for opinion, truth in opinions if opinion is not None]
    right = sum(opinion == truth for opinion, truth in scored)
    interval = wilson(right, len(scored))
    return JudgeResult(
        model=answerer.model,
        scored=len(scored),
        right=right,
        unscored=len(opinions) - len(scored),
        low=interval.low,
        high=interval.high,
    )


@dataclass(frozen=True, slots=True)
class RunOpinion:
    """What a judge says of a run's sentences, and how far it can be trusted.

    ``supported`` of ``scored`` sentences are, by the judge, supported by what they cite, ``low`` to ``high`` (Wilson,
    95%). ``kappa`` is Cohen's, between the judge and ``labels`` hand-made labels that it could score; None when it
    can't be told.
    """

    model: str
    supported: int
    scored: int
    unscored: int
    low: float
    high: float
    kappa: float | None
    labels: int
    labels_unscored: int


def judge_answers(run: Run, papers: Mapping[str, Paper], answerer: Answerer) -> RunOpinion:
    """Ask the judge about every sentence that ``run`` shows, and about the labelled claims. Raises ModelError."""
    opinions = [ask_judge(answerer, passage, text) for passage, text in _shown_sentences(run)]
    scored = [opinion for opinion in opinions if opinion is not None]
    labelled = [(ask_judge(answerer, papers[key].text, claim), truth) for claim, key, truth in read_labels()]
    known = [(opinion, truth) for opinion, truth in labelled if opinion is not None]
    interval = wilson(sum(scored), len(scored))
    return RunOpinion(
        model=answerer.model,
        supported=sum(scored),
        scored=len(scored),
        unscored=len(opinions) - len(scored),
        low=interval.low,
        high=interval.high,
        kappa=_kappa(known),
        labels=len(known),
        labels_unscored=len(labelled) - len(known),
    )


def read_labels() -> list[tuple[str, str, bool]]:
    """Return hand-written claims of the test half, half of them supported: claim, id of the paper, whether it is."""
    true = [record for record in read_jsonl(PARAPHRASES) if record["split"] == "test"][: LABELS // 2]
    false = [record for record in read_jsonl(UNSUPPORTED) if record["split"] == "test"][: LABELS // 2]
    return [(r["claim"], r["paper"], True) for r in true] + [(r["claim"], r["paper"], False) for r in false]


def _shown_sentences(run: Run) -> Iterator[tuple[str, str]]:
    """Yield the quotations that each sentence cites, together, and the sentence."""
    for each in run.scored:
        answer = each.answer or {"citations": (), "sentences": ()}
        quotes = {citation["number"]: citation["quote"] for citation in answer["citations"]}
        for sentence in answer["sentences"]:
            yield " ".join(quotes.get(number, "") for number in sentence["citations"]), sentence["text"]


def _kappa(pairs: Sequence[tuple[bool, bool]]) -> float | None:
    from sklearn.metrics import cohen_kappa_score

    if len({truth for _, truth in pairs}) < 2:
        return None
    return float(cohen_kappa_score([one for one, _ in pairs], [other for _, other in pairs]))
