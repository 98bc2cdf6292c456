"""The fixed question set: one JSON object a line in ``questions.jsonl``.

Knows the file; knows nothing of answers or scores.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chatbot.records import Paper
from evals.jsonl import read_jsonl

QUESTIONS = Path(__file__).with_name("questions.jsonl")


@dataclass(frozen=True, slots=True)
class Fact:
    """Something an answer should tell: it counts as told when any alias occurs in the answer."""

    fact: str
    aliases: tuple[str, ...]
    evidence: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """One question: the last of ``turns`` is asked, the earlier ones are its history.

    ``grades`` are the relevant papers' grades where they are not 1. ``missing`` are words that a right abstention can
    name. ``carrier`` is a paper with a hidden order that is added for this question.
    """

    id: str
    type: str
    split: str
    turns: tuple[str, ...]
    papers: tuple[str, ...]
    facts: tuple[Fact, ...]
    expected: str
    kind: str = ""
    twin: str = ""
    forbidden: tuple[str, ...] = ()
    grades: Mapping[str, int] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    carrier: Paper | None = None

    @property
    def question(self) -> str:
        """Return the question that is judged."""
        return self.turns[-1]


def load_questions(path: Path = QUESTIONS, split: str | None = None) -> list[Sample]:
    """Return the questions of ``path``, of one split or of both."""
    samples = []
    for record in read_jsonl(path):
        facts = tuple(Fact(f["fact"], tuple(f["aliases"]), tuple(f["evidence"])) for f in record["facts"])
        samples.append(
            Sample(
                id=record["id"],
                type=record["type"],
                split=record["split"],
                turns=tuple(record["turns"]),
                papers=tuple(record["papers"]),
                facts=facts,
                expected=record["expected"],
                kind=record.get("kind", ""),
                twin=record.get("twin", ""),
                forbidden=tuple(record["forbidden"]),
                grades=record.get("grades", {}),
                missing=tuple(record.get("missing", ())),
                carrier=Paper(**record["carrier"]) if "carrier" in record else None,
            )
        )
    return [sample for sample in samples if split in (None, sample.split)]


def find_faults(samples: list[Sample], papers: dict[str, Paper]) -> list[str]:
    """Return what is wrong with the set: quotes that differ from their offsets, unknown papers, stray aliases."""
    faults = []
    for sample in samples:
        faults += [f"{sample.id}: unknown paper {key}" for key in sample.papers if key not in papers]
        for fact in sample.facts:
            quotes = ""
            for span in fact.evidence:
                if papers[span["paper"]].text[span["start"] : span["end"]] != span["quote"]:
                    faults.append(f"{sample.id}: the quote of '{fact.fact}' is not at its offsets")
                quotes += span["quote"].lower()
            faults += [
                f"{sample.id}: alias '{a}' is not in the evidence" for a in fact.aliases if a.lower() not in quotes
            ]
    return faults
