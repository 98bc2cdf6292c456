"""The values that flow between the stages: paper, chunk, hit, citation, answer, thread.

Knows only data; knows nothing of files, models, indexes or screens.
"""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeVar

Status = Literal["answered", "partial", "abstained"]
Verdict = Literal["supported", "weak", "unsupported"]
Kind = Literal["single", "compare", "which"]
Number = TypeVar("Number", int, float)


@dataclass(frozen=True, slots=True)
class Paper:
    """One paper as its source gave it. ``id`` is stable from one ingest to the next."""

    id: str
    title: str
    abstract: str
    authors: tuple[str, ...] = ()
    venue: str = ""
    year: int | None = None
    url: str = ""

    @property
    def text(self) -> str:
        """Return title, newline, abstract: every ``start`` and ``end`` in this program counts in this string."""
        return f"{self.title}\n{self.abstract}"

    @property
    def name(self) -> str:
        """Return what people call the paper: the coined name before a colon, else the title."""
        head, colon, _ = self.title.partition(":")
        return head.strip() if colon and len(head.split()) <= 4 else self.title


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a paper that gets a vector. ``start`` and ``end`` count in ``Paper.text``."""

    id: str
    paper_id: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Skipped:
    """A record that a source could not give, and why. ``is_copy`` marks one that an earlier record gave already."""

    where: str
    reason: str
    is_copy: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """One sentence of a paper with its vector: ``text == paper.text[start:end]``."""

    start: int
    end: int
    text: str
    vector: Any = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Question:
    """A question as read. ``words`` are spans in ``text``; ``phrases`` and ``names`` are pieces of it."""

    text: str
    kind: Kind
    words: tuple[tuple[int, int], ...]
    phrases: tuple[str, ...]
    names: tuple[str, ...]
    wants_figure: bool
    wants_link: bool
    wants_background: bool
    wants_method: bool
    wants_overview: bool


@dataclass(frozen=True, slots=True)
class Words:
    """The word pieces of a text: where each stands, and its unit vector in context, shape (pieces, dimensions)."""

    spans: tuple[tuple[int, int], ...]
    vectors: Any = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Hit:
    """A paper found for a query. ``score`` is comparable within one search only; ``similarity`` is a cosine."""

    rank: int
    paper: Paper
    score: float
    similarity: float = 0.0


NAME_BONUS = 0.5


@dataclass(frozen=True, slots=True)
class Match:
    """How well a paper's sentences cover a question, as cosines of word vectors from 0 to 1.

    ``words`` has shape (sentences, word pieces of the question's content words): the best match of each in each
    sentence. ``phrases`` has shape (sentences, phrases of the question), each phrase taken out of its context.
    ``literal`` has shape (1 + sentences, content words): whether the word itself stands in the title, then in each
    sentence. ``evidence`` has shape (sentences,): the log-odds that a sentence belongs in an answer, set by ranking.
    ``named_at`` is where in the question the paper is called by name, None when it is not.
    """

    hit: Hit
    spans: tuple[Span, ...]
    words: Any = field(repr=False, compare=False)
    phrases: Any = field(repr=False, compare=False)
    literal: Any = field(repr=False, compare=False)
    named_at: int | None = None
    evidence: Any = field(default=None, repr=False, compare=False)

    @property
    def named(self) -> bool:
        """Tell whether the question calls the paper by name."""
        return self.named_at is not None

    @property
    def value(self) -> float:
        """Return the number that orders the matches of one question, about 0 to 3; the retrieval score is one vote."""
        return self.coverage + self.best + self.hit.score / 2 + NAME_BONUS * self.named

    @property
    def coverage(self) -> float:
        """Return how well the paper as a whole covers the question: mean over words of the best sentence."""
        return float(self.words.max(axis=0).mean())

    @property
    def best(self) -> float:
        """Return how well the paper's best single sentence covers the question."""
        return float(self.words.mean(axis=1).max())


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether papers answer a question: a probability, what to make of it, and what the papers seem to lack."""

    confidence: float
    outcome: Literal["sure", "doubtful", "refused"]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a claim comes from: ``quote == paper.text[start:end]``."""

    number: int
    paper_id: str
    title: str
    quote: str
    start: int
    end: int


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
            "citations": [asdict(citation) for citation in self.citations],
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
        }


def _sentence_to_dict(sentence: Sentence) -> dict[str, Any]:
    return asdict(sentence) | {"citations": list(sentence.citations)}


def hits_to_dicts(hits: tuple[Hit, ...] | list[Hit]) -> list[dict[str, Any]]:
    """Return hits in the JSON form shared by ``search`` and ``ask``."""
    return [
        {"rank": hit.rank, "paper_id": hit.paper.id, "title": hit.paper.title, "score": round(hit.score, 4)}
        for hit in hits
    ]


@dataclass(frozen=True, slots=True)
class Thread:
    """A stored conversation; the times are in UTC, ``questions`` is how many were asked in it."""

    id: str
    name: str
    created: datetime
    updated: datetime
    questions: int


@dataclass(slots=True)
class IngestReport:
    """Counts of one ingest: papers by what happened to them, and the records that were skipped."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    skipped: list[Skipped] = field(default_factory=list)

    @property
    def faults(self) -> int:
        """Return how many records were skipped for other reasons than being there twice."""
        return sum(not item.is_copy for item in self.skipped)
