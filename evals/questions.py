"""The fixed question set: one JSON object a line in ``questions.jsonl``, after a line with the canary.

Knows the file, whose form is ``questions.schema.json``; knows nothing of answers or scores.
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
    """Something an answer should tell: it counts as told when any alias occurs in the answer.

    ``number`` is the figure as the paper writes it, in ``unit``; another writing may be off by ``tolerance``.
    """

    fact: str
    aliases: tuple[str, ...]
    evidence: tuple[dict[str, Any], ...]
    number: float | None = None
    tolerance: float = 0
    unit: str = ""


@dataclass(frozen=True, slots=True)
class GoldCell:
    """What a cell of a grid should quote: any of ``accept``, spans of its paper; nothing when the paper does not say.

    With ``either``, leaving the cell open is right too.
    """

    paper: str
    aspect: str
    accept: tuple[dict[str, Any], ...]
    either: bool = False


@dataclass(frozen=True, slots=True)
class Sample:
    """One question: the last of ``turns`` is asked, the earlier ones are its history.

    ``grades`` are the relevant papers' grades where they are not 1. ``missing`` are words that a right abstention can
    name. ``twin`` is the id of an answerable question near to an unanswerable one. ``carrier`` is a paper with a hidden
    order that is added for this question. ``cells`` are those of the grid that a comparison should give.
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
    cells: tuple[GoldCell, ...] = ()

    @property
    def question(self) -> str:
        """Return the question that is judged."""
        return self.turns[-1]


def load_questions(path: Path = QUESTIONS, split: str | None = None) -> list[Sample]:
    """Return the questions of ``path``, of one split or of both."""
    samples = [_make_sample(record) for record in read_jsonl(path) if "canary" not in record]
    return [sample for sample in samples if split in (None, sample.split)]


def _make_sample(record: Mapping[str, Any]) -> Sample:
    return Sample(
        id=record["id"],
        type=record["type"],
        split=record["split"],
        turns=tuple(record["turns"]),
        papers=tuple(record["papers"]),
        facts=tuple(_make_fact(fact) for fact in record["facts"]),
        expected=record["expected"],
        kind=record.get("kind", ""),
        twin=record.get("twin", ""),
        forbidden=tuple(record["forbidden"]),
        grades=record.get("grades", {}),
        missing=tuple(record.get("missing", ())),
        carrier=Paper(**record["carrier"]) if "carrier" in record else None,
        cells=tuple(make_cell(cell) for cell in record.get("cells", ())),
    )


def make_cell(record: Mapping[str, Any]) -> GoldCell:
    """Return a gold cell from its JSON form."""
    return GoldCell(record["paper"], record["aspect"], tuple(record["accept"]), record.get("either", False))


def _make_fact(record: Mapping[str, Any]) -> Fact:
    return Fact(
        fact=record["fact"],
        aliases=tuple(record["aliases"]),
        evidence=tuple(record["evidence"]),
        number=record.get("number"),
        tolerance=record.get("tolerance", 0),
        unit=record.get("unit", ""),
    )
