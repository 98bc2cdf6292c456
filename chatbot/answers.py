"""What an answer is made of: citations, sentences with verdicts, a grid, and how it came about.

Knows only data; knows nothing of how answers are made, checked or shown.
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeVar

from chatbot.comparison import Comparison
from chatbot.records import Hit, Paper

EXTRACTIVE = "extractive"  # the name of what answers without a model

Status = Literal["answered", "partial", "abstained"]
Verdict = Literal["supported", "weak", "unsupported"]
Number = TypeVar("Number", int, float)

_MAY_LACK = {"doi", "arxiv_id", "page"}  # what the JSON form of a citation leaves out where it is unknown


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a claim comes from: ``quote == paper.text[start:end]``; and what is known of the paper.

    ``page`` is the page of a full text on which the quotation begins, from 1.
    """

    number: int
    paper_id: str
    title: str
    quote: str
    start: int
    end: int
    authors: tuple[str, ...] = ()
    venue: str = ""
    year: int | None = None
    url: str = ""
    doi: str = ""
    arxiv_id: str = ""
    page: int | None = None


def cite(number: int, paper: Paper, quote: str, start: int, end: int) -> Citation:
    """Return the citation of a place in ``paper``."""
    facts = paper.authors, paper.venue, paper.year, paper.url, paper.doi, paper.arxiv_id
    return Citation(number, paper.id, paper.title, quote, start, end, *facts, paper.page_at(start))


class Numbering:
    """Gives each cited place its number, from 1 in the order of first use."""

    def __init__(self) -> None:
        self._citations: dict[tuple[str, int, int], Citation] = {}

    def cite(self, paper: Paper, quote: str, start: int, end: int) -> int:
        """Return the number of a place."""
        key = (paper.id, start, end)
        if key not in self._citations:
            self._citations[key] = cite(len(self._citations) + 1, paper, quote, start, end)
        return self._citations[key].number

    @property
    def citations(self) -> tuple[Citation, ...]:
        """Return what was cited, by number."""
        return tuple(self._citations.values())


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of an answer with the numbers of its citations and what the check found, and why."""

    text: str
    citations: tuple[int, ...]
    verdict: Verdict
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """What an answerer returns: checked sentences, not yet tied to the run that produced them."""

    status: Status
    text: str
    sentences: tuple[Sentence, ...]
    citations: tuple[Citation, ...]
    confidence: float
    withheld: tuple[Sentence, ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """What language models were asked and gave: tokens, US dollars and calls. None means unknown, never zero."""

    input_tokens: int | None = 0
    output_tokens: int | None = 0
    cost_usd: float | None = None
    calls: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        """Return the sum, in which whatever is unknown of a part is unknown of the whole."""
        if not self.calls or not other.calls:
            return self if self.calls else other
        return Usage(
            _add(self.input_tokens, other.input_tokens),
            _add(self.output_tokens, other.output_tokens),
            _add(self.cost_usd, other.cost_usd),
            self.calls + other.calls,
        )


def _add(one: Number | None, other: Number | None) -> Number | None:
    return None if one is None or other is None else one + other


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with everything needed to check and reproduce it; ``to_dict`` is the JSON contract."""

    question: str
    standalone_question: str
    status: Status
    answer: str
    sentences: tuple[Sentence, ...]
    citations: tuple[Citation, ...]
    retrieved: tuple[Hit, ...]
    confidence: float
    model: str
    timings_ms: dict[str, float]
    index: str
    settings: str
    withheld: tuple[Sentence, ...] = ()
    notice: str = ""
    prompts: str = ""
    cut: tuple[str, ...] = ()
    usage: Usage | None = None
    id: str | None = None
    comparison: Comparison | None = None
    filter: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form described in the README (``id`` only when the question had one)."""
        record = {"id": self.id} if self.id is not None else {}
        return record | {
            "question": self.question,
            "standalone_question": self.standalone_question,
            "status": self.status,
            "answer": self.answer,
            "sentences": [_sentence_to_dict(sentence) for sentence in self.sentences],
            "withheld": [_sentence_to_dict(sentence) for sentence in self.withheld],
            "citations": [_citation_to_dict(citation) for citation in self.citations],
            "comparison": self.comparison.to_dict() if self.comparison else None,
            "retrieved": hits_to_dicts(self.retrieved),
            "confidence": round(self.confidence, 3),
            "model": self.model,
            "notice": self.notice,
            "usage": asdict(self.usage) if self.usage else None,
            "timings_ms": self.timings_ms,
            "index": self.index,
            "settings": self.settings,
            "prompts": self.prompts,
            "cut": list(self.cut),
            "filter": self.filter,
        }


def _sentence_to_dict(sentence: Sentence) -> dict[str, Any]:
    return asdict(sentence) | {"citations": list(sentence.citations)}


def _citation_to_dict(citation: Citation) -> dict[str, Any]:
    return {name: value for name, value in asdict(citation).items() if name not in _MAY_LACK or value}


def hits_to_dicts(hits: tuple[Hit, ...] | list[Hit]) -> list[dict[str, Any]]:
    """Return hits in the JSON form shared by ``search`` and ``ask``."""
    return [
        {"rank": hit.rank, "paper_id": hit.paper.id, "title": hit.paper.title, "score": round(hit.score, 4)}
        | asdict(hit.ranks)
        for hit in hits
    ]
