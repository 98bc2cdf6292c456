"""A language model's second opinion on whether a passage supports a sentence, held against what is known.

Knows the judge's prompt and the bench of claims; nothing in the product depends on it. An answer that is none of the
three words asked for, or "unsure", is unscored, never wrong.
"""

import re
from dataclasses import dataclass

from chatbot.answering import Answerer
from evals.corruptions import spoil
from evals.statistics import wilson
from evals.verifier import Bench

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
