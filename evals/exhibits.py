"""What a report shows of one question: its answer, its key facts, and the abstracts with the passages marked.

Knows questions, answers and papers; knows nothing of HTML or of other questions.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

from chatbot.records import Paper
from evals.funnel import find_stage
from evals.scores import Answer, Scored, cites, is_exact, tells

RIGHTLY, WRONGLY = "rightly abstained", "wrongly answered"


class Mark(NamedTuple):
    """A passage that is cited (by citation ``number``) or holds a key fact (the ``number``-th, from 1)."""

    start: int
    end: int
    number: int


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a text under the same marks; ``cited_ends`` and ``gold_ends`` number those that end with it."""

    text: str
    is_cited: bool
    is_gold: bool
    cited_ends: tuple[int, ...]
    gold_ends: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PaperExhibit:
    """A paper that is relevant, cited or both; ``rank`` is None when it was not retrieved."""

    paper: Paper
    title: tuple[Piece, ...]
    abstract: tuple[Piece, ...]
    is_relevant: bool
    is_cited: bool
    rank: int | None


@dataclass(frozen=True, slots=True)
class FactExhibit:
    """A key fact, whether the answer tells it, and whether it cites where it stands (None: no place is marked)."""

    fact: str
    is_told: bool
    is_cited: bool | None


@dataclass(frozen=True, slots=True)
class Exhibit:
    """All that is shown of one question.

    ``invalid`` are the citations that are not in the paper to the letter, ``absent`` the relevant papers that are not
    in the corpus.
    """

    scored: Scored
    outcome: str
    status: str
    facts: tuple[FactExhibit, ...]
    papers: tuple[PaperExhibit, ...]
    invalid: tuple[Mapping[str, Any], ...]
    absent: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """Tell whether all went well."""
        return self.outcome in ("fine", RIGHTLY)


def make_exhibit(scored: Scored, papers: Mapping[str, Paper]) -> Exhibit:
    """Return what is shown of ``scored``; the outcome is its stage in the funnel, or whether it rightly abstained."""
    sample, answer = scored.sample, scored.answer
    if sample.carrier:
        papers = {**papers, sample.carrier.id: sample.carrier}
    citations = answer["citations"] if answer else []
    shown = dict.fromkeys([*sample.papers, *(citation["paper_id"] for citation in citations)])
    return Exhibit(
        scored,
        _outcome(scored, papers),
        answer["status"] if answer else "error",
        tuple(
            FactExhibit(
                fact.fact,
                bool(answer and tells(answer, fact)),
                bool(answer and cites(answer, fact.evidence)) if fact.evidence else None,
            )
            for fact in sample.facts
        ),
        tuple(_show_paper(papers[key], scored) for key in shown if key in papers),
        tuple(citation for citation in citations if not is_exact(citation, papers)),
        tuple(key for key in sample.papers if key not in papers),
    )


def _outcome(scored: Scored, papers: Mapping[str, Paper]) -> str:
    if scored.sample.expected == "answered" or scored.answer is None:
        return find_stage(scored, papers)
    return RIGHTLY if scored.abstained else WRONGLY


def _show_paper(paper: Paper, scored: Scored) -> PaperExhibit:
    answer: Answer = scored.answer or {"citations": [], "retrieved": []}
    cited = [Mark(c["start"], c["end"], c["number"]) for c in answer["citations"] if c["paper_id"] == paper.id]
    gold = [
        Mark(span["start"], span["end"], number)
        for number, fact in enumerate(scored.sample.facts, 1)
        for span in fact.evidence
        if span["paper"] == paper.id
    ]
    ranks = (int(hit["rank"]) for hit in answer["retrieved"] if hit["paper_id"] == paper.id)
    return PaperExhibit(
        paper,
        cut_text(paper.text, 0, len(paper.title), cited, gold),
        cut_text(paper.text, len(paper.title) + 1, len(paper.text), cited, gold),
        paper.id in scored.sample.papers,
        bool(cited),
        next(ranks, None),
    )


def cut_text(text: str, start: int, end: int, cited: Sequence[Mark], gold: Sequence[Mark]) -> tuple[Piece, ...]:
    """Return ``text[start:end]`` in pieces, cut wherever a mark begins or ends; marks may overlap or stick out."""
    edges = {edge for mark in (*cited, *gold) for edge in mark[:2] if start < edge < end}
    return tuple(
        Piece(
            text[left:right],
            any(_covers(mark, left, right) for mark in cited),
            any(_covers(mark, left, right) for mark in gold),
            _ending(cited, left, right, end),
            _ending(gold, left, right, end),
        )
        for left, right in pairwise(sorted({start, end, *edges}))
    )


def _covers(mark: Mark, left: int, right: int) -> bool:
    return mark.start <= left and right <= mark.end


def _ending(marks: Iterable[Mark], left: int, right: int, end: int) -> tuple[int, ...]:
    ends = {mark.number for mark in marks if _covers(mark, left, right) and min(mark.end, end) == right}
    return tuple(sorted(ends))
