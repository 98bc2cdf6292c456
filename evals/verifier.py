"""Test the checker of citations: how many spoilt sentences it catches, and how many honest ones it suspects.

Knows the hand-written honest and unsupported claims over the seed papers; knows nothing of language models. A claim
counts as passed when it is shown as supported by the paper that it cites; one that is withheld, marked as not fully
covered, or moved to another paper does not.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from chatbot import PaperChatbot
from chatbot.claims import Checked, Claim, Mark, Passage
from chatbot.logistic import Logistic
from chatbot.records import Paper
from chatbot.verify import FEATURES, Verifier
from evals.corruptions import Spoilt, TrueClaim, spoil
from evals.fitting import fit_logistic, make_model, predict_left_out
from evals.jsonl import read_jsonl
from evals.statistics import bootstrap_mean

PARAPHRASES = Path(__file__).with_name("paraphrases.jsonl")
UNSUPPORTED = Path(__file__).with_name("unsupported.jsonl")
MADE_BY = "python -m evals verifier --fit"
NEIGHBOURS = 4  # other papers shown beside the one that is right
# Of the honest development claims left out of a fit, these shares may fall below the two thresholds.
NOT_SUPPORTED, NOT_WEAK = 0.02, 0.01
HONEST = "honest paraphrase"
# What is accepted of the development half with each claim spoilt once: shares caught, and the share of honest ones.
LEAST_CAUGHT = {
    "citation swapped": 0.99,
    "citation invented": 0.99,
    "figure changed": 0.99,
    "papers merged": 0.99,
    "name swapped": 0.9,
    "negated": 0.89,
}
MOST_SUSPECTED = 0.06


@dataclass(frozen=True, slots=True)
class Rate:
    """What became of the claims of one kind; ``low`` and ``high`` bound the share not passed (95%, over papers)."""

    kind: str
    claims: int
    passed: int
    weak: int
    moved: int
    withheld: int
    low: float
    high: float

    @property
    def caught(self) -> float:
        """Return the share that was not passed as supported: catches, or false alarms for honest claims."""
        return 1 - self.passed / self.claims


class Bench:
    """Claims over the papers of ``bot``, each shown with the papers nearest to the right one."""

    def __init__(self, bot: PaperChatbot) -> None:
        self.verifier: Verifier = bot.answerer.verifier
        self._papers = {paper.id: paper for paper in bot.papers()}
        spans = bot.index.spans(list(self._papers.values()))
        self._passages = {key: Passage(0, paper, tuple(spans[key])) for key, paper in self._papers.items()}
        vectors = bot.index.abstract_vectors(list(self._papers))
        self._vectors = np.stack([vectors[key][0] for key in self._papers])

    def honest(self, split: str) -> list[TrueClaim]:
        """Return the hand-written true claims of one half."""
        return [
            TrueClaim(r["id"], r["claim"], self._papers[r["paper"]], r["evidence"][0]["start"], split)
            for r in read_jsonl(PARAPHRASES)
            if r["split"] == split
        ]

    def unsupported(self, split: str) -> Iterator[tuple[TrueClaim, Spoilt]]:
        """Yield the hand-written claims that sound right and are not, of one half."""
        for record in read_jsonl(UNSUPPORTED):
            if record["split"] == split:
                paper = self._papers[record["paper"]]
                claim = TrueClaim(record["id"], record["claim"], paper, -1, split)
                yield claim, Spoilt(f"written: {record['kind']}", record["claim"], paper)

    def passages(self, paper: Paper, also: Paper | None = None) -> list[Passage]:
        """Return ``paper``, ``also`` and their nearest neighbours, numbered."""
        keys = list(self._papers)
        nearest = [keys[at] for at in np.argsort(-(self._vectors @ self._vectors[keys.index(paper.id)]))]
        chosen = dict.fromkeys([paper.id, *([also.id] if also else []), *nearest[: NEIGHBOURS + 1]])
        return [Passage(number, self._papers[key], self._passages[key].spans) for number, key in enumerate(chosen, 1)]

    def check(self, claim: TrueClaim, text: str, cited: Paper | None) -> Checked:
        """Return the verdict on ``text`` when it cites ``cited`` (None: a paper that was not shown)."""
        passages = self.passages(claim.paper, cited)
        return self.verifier.verify(_cite(text, claim, cited, passages), passages)

    def measure(self, claim: TrueClaim, text: str, cited: Paper) -> list[float]:
        """Return the checker's features of ``text`` against ``cited``."""
        passages = self.passages(claim.paper, cited)
        passage = next(passage for passage in passages if passage.paper.id == cited.id)
        return self.verifier.measure(_cite(text, claim, cited, passages), passage)


def evaluate_verifier(bot: PaperChatbot, split: str = "test", rounds: int = 3) -> list[Rate]:
    """Return the rates for honest claims, for each corruption of them, and for the written unsupported claims.

    ``rounds`` is how often a claim is corrupted in each way.
    """
    bench = Bench(bot)
    honest = bench.honest(split)
    found: dict[str, list[tuple[Checked, str]]] = defaultdict(list)
    for claim in honest:
        found[HONEST].append((bench.check(claim, claim.text, claim.paper), claim.paper.id))
    for claim, spoilt in [*spoil(honest, rounds), *bench.unsupported(split)]:
        found[spoilt.kind].append((bench.check(claim, spoilt.text, spoilt.cited), claim.paper.id))
    written = [result for kind, results in found.items() if kind.startswith("written") for result in results]
    return [_rate(kind, results) for kind, results in [*found.items(), ("written: all", written)]]


def find_worse(rates: Sequence[Rate]) -> list[str]:
    """Return a line for each of ``rates`` that is worse than is accepted."""
    caught = {rate.kind: rate.caught for rate in rates}
    least = LEAST_CAUGHT.items()
    worse = [f"{kind}: {caught[kind]:.3f} caught, {due} are due" for kind, due in least if caught[kind] < due]
    if caught[HONEST] > MOST_SUSPECTED:
        worse.append(f"{HONEST}: {caught[HONEST]:.3f} suspected, {MOST_SUSPECTED} are let pass")
    return worse


def fit_verifier(bot: PaperChatbot) -> Logistic:
    """Fit the regression on the development half: honest claims against swapped, merged and unsupported ones."""
    bench = Bench(bot)
    honest = bench.honest("dev")
    rows = [(bench.measure(claim, claim.text, claim.paper), True, claim.paper.id) for claim in honest]
    for claim, spoilt in [*spoil(honest), *bench.unsupported("dev")]:
        if spoilt.cited and (spoilt.kind.startswith("written") or spoilt.kind in {"citation swapped", "papers merged"}):
            rows.append((bench.measure(claim, spoilt.text, spoilt.cited), False, claim.paper.id))
    values, expected = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    model = make_model(0.3, balanced=True)
    left_out = predict_left_out(model, values, expected, [row[2] for row in rows])
    supported, weak = np.quantile(left_out[expected], [NOT_SUPPORTED, NOT_WEAK])
    thresholds = {"supported": float(supported), "weak": float(weak)}
    return fit_logistic(model, values, expected, FEATURES, thresholds)


def _cite(text: str, claim: TrueClaim, cited: Paper | None, passages: Sequence[Passage]) -> Claim:
    if cited is None:
        return Claim(text, (Mark(99, 1),))
    passage = next(passage for passage in passages if passage.paper.id == cited.id)
    sentence = next((at for at, span in enumerate(passage.spans, 1) if span.start <= claim.start < span.end), 1)
    return Claim(text, (Mark(passage.number, sentence if cited.id == claim.paper.id else 1),))


def _rate(kind: str, results: Sequence[tuple[Checked, str]]) -> Rate:
    """Return the rate over checked claims, each with its paper: corruptions of one sentence fall together."""
    verdicts = [(checked.verdict, checked.moved) for checked, _ in results]
    passed = verdicts.count(("supported", False))
    caught = [float((checked.verdict, checked.moved) != ("supported", False)) for checked, _ in results]
    interval = bootstrap_mean(caught, [paper_id for _, paper_id in results])
    return Rate(
        kind=kind,
        claims=len(results),
        passed=passed,
        weak=verdicts.count(("weak", False)),
        moved=verdicts.count(("supported", True)),
        withheld=verdicts.count(("unsupported", False)),
        low=interval.low,
        high=interval.high,
    )
