"""The values that flow between the stages before an answer: paper, chunk, hit, question, match; and the thread.

Knows only data; knows nothing of files, models, indexes or screens.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

Kind = Literal["single", "compare", "which"]
Want = Literal["figure", "link", "background", "method", "overview", "result", "purpose", "data"]


@dataclass(frozen=True, slots=True)
class Paper:
    """One paper as its source gave it. ``id`` is stable from one ingest to the next.

    ``doi`` is in lower case and without an address, ``arxiv_id`` without a version and an archive's subject class.
    ``body`` is what a full text has after its abstract, a paragraph a line; ``pages`` are the places in ``text`` where
    its pages begin. Both are empty where only the abstract is known.
    """

    id: str
    title: str
    abstract: str
    authors: tuple[str, ...] = ()
    venue: str = ""
    year: int | None = None
    url: str = ""
    doi: str = ""
    arxiv_id: str = ""
    body: str = field(default="", repr=False)
    pages: tuple[int, ...] = ()

    @property
    def text(self) -> str:
        """Return title, abstract and body, a line each: every ``start`` and ``end`` in this program counts in this."""
        return f"{self.head}\n{self.body}" if self.body else self.head

    @property
    def head(self) -> str:
        """Return title, newline, abstract."""
        return f"{self.title}\n{self.abstract}"

    @property
    def body_start(self) -> int:
        """Return where the body begins in ``text``, or would."""
        return len(self.title) + len(self.abstract) + 2

    def page_at(self, place: int) -> int | None:
        """Return the number of the page, from 1, that ``place`` in ``text`` stands on; None when pages are unknown."""
        return bisect_right(self.pages, place) or None

    @property
    def name(self) -> str:
        """Return what people call the paper: the coined name before a colon, else the title."""
        head, colon, _ = self.title.partition(":")
        return head.strip() if colon and 0 < len(head.split()) <= 4 else self.title


@dataclass(frozen=True, slots=True)
class Listed:
    """An indexed paper without its abstract, where it came from, of how many chunks it is made, and its hash."""

    paper: Paper
    sources: tuple[str, ...]
    passages: int
    sentences: int
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """A paper as one source has it: ``paper.id`` is its id there."""

    source: str
    paper: Paper


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a paper that gets a vector. ``start`` and ``end`` count in ``Paper.text``."""

    id: str
    paper_id: str
    text: str
    start: int
    end: int


class Whole(NamedTuple):
    """A passage as an embedding model reads it: the title in front, and where in ``text`` each sentence stands."""

    text: str
    sentences: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Skipped:
    """A record that a source could not give, and why.

    It is no fault when an earlier record gave the same already, or when it lacks nothing but an abstract, which many
    entries of a library do; then ``paper`` is the rest of it.
    """

    where: str
    reason: str
    is_fault: bool = True
    paper: Paper | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Span:
    """One sentence of a paper with its vector: ``text == paper.text[start:end]``."""

    start: int
    end: int
    text: str
    vector: Any = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Question:
    """A question as read. ``words`` are spans in ``text``; ``phrases`` and ``names`` are pieces of it.

    ``wants`` are the kinds of facts it asks for; ``of_record`` names what it asks of a paper that abstracts don't say:
    fields of ``Paper``, or what no record has; ``counted`` is the word for what it asks the number of. ``parts`` are
    what it asks one after another, if that is more than one thing; their ``words`` are spans in the text of the whole.
    """

    text: str
    kind: Kind
    words: tuple[tuple[int, int], ...]
    phrases: tuple[str, ...]
    names: tuple[str, ...]
    wants: frozenset[Want]
    of_record: tuple[str, ...] = ()
    counted: str = ""
    parts: "tuple[Question, ...]" = ()

    @property
    def beside(self) -> tuple[str, ...]:
        """Return what it asks of a paper's record beside what abstracts say."""
        return () if self.of_record else tuple(field for part in self.parts for field in part.of_record)


WORD_DIMENSIONS = 384  # of the bundled model, which reads all words


@dataclass(frozen=True, slots=True)
class Words:
    """The word pieces of a text: where each stands, and its unit vector in context, shape (pieces, WORD_DIMENSIONS)."""

    spans: tuple[tuple[int, int], ...]
    vectors: Any = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Ranks:
    """Where a paper came in one search, from 1: by vectors, by words, by both; None where it was not considered."""

    dense: int | None = None
    lexical: int | None = None
    fused: int | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A paper found for a query. ``score`` is comparable within one search only; ``similarity`` is a cosine.

    ``rank`` is its place in the list it stands in, which reading may have put in another order than ``ranks.fused``.
    """

    rank: int
    paper: Paper
    score: float
    similarity: float = 0.0
    ranks: Ranks = Ranks()


NAME_BONUS = 0.5


@dataclass(frozen=True, slots=True)
class Match:
    """How well a paper's sentences cover a question, as cosines of word vectors from 0 to 1.

    ``words`` has shape (sentences, word pieces of the question's content words): the best match of each in each
    sentence. ``starts`` is where in the question each of those pieces begins, ``asked`` are their unit vectors, shape
    (word pieces, WORD_DIMENSIONS).
    ``phrases`` has shape (sentences, phrases of the question), each phrase taken out of its context.
    ``literal`` has shape (1 + sentences, content words): whether the word itself stands in the title, then in each
    sentence. ``meanings`` has shape (sentences, WORD_DIMENSIONS): the unit mean of each sentence's word vectors.
    ``evidence`` has shape (sentences,): the log-odds that a sentence belongs in an answer; ``order`` are the sentences,
    those to be told first in front; ranking sets both. ``called`` tells from where to where the question calls the
    paper by name, None when it does not; ``holds`` are the names in the question that the paper mentions. ``side`` is 1
    or 2 where the question sets this paper beside another one, and 0 else.
    """

    hit: Hit
    spans: tuple[Span, ...]
    words: Any = field(repr=False, compare=False)
    starts: tuple[int, ...] = field(repr=False, compare=False)
    asked: Any = field(repr=False, compare=False)
    phrases: Any = field(repr=False, compare=False)
    literal: Any = field(repr=False, compare=False)
    meanings: Any = field(repr=False, compare=False)
    called: tuple[int, int] | None = None
    evidence: Any = field(default=None, repr=False, compare=False)
    order: tuple[int, ...] = field(default=(), repr=False, compare=False)
    holds: frozenset[str] = frozenset()
    side: int = 0

    @property
    def named(self) -> bool:
        """Tell whether the question calls the paper by name."""
        return self.called is not None

    @property
    def value(self) -> float:
        """Return the number that orders the matches of one question, about 0 to 3; the retrieval score is one vote."""
        return self.fit + self.hit.score / 2 + NAME_BONUS * self.named

    @property
    def fit(self) -> float:
        """Return how well the paper covers the question, as a whole and in its best sentence, from 0 to 2."""
        return self.coverage + self.best

    @property
    def coverage(self) -> float:
        """Return how well the paper as a whole covers the question: mean over words of the best sentence."""
        return float(self.words.max(axis=0).mean())

    @property
    def best(self) -> float:
        """Return how well the paper's best single sentence covers the question."""
        return float(self.words.mean(axis=1).max())


def papers_asked_about(matches: Sequence[Match]) -> list[Paper]:
    """Return the papers of ``matches`` that the question calls by name; the first one when it names none."""
    return [match.hit.paper for match in matches if match.named] or [matches[0].hit.paper]


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether papers answer a question: a probability, what to make of it, and what the papers seem to lack."""

    confidence: float
    outcome: Literal["sure", "doubtful", "refused"]
    missing: tuple[str, ...]


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
    """Counts of one ingest: papers by what happened to them, and the records that were skipped.

    ``merged`` are records that joined a paper which another record had given. ``report_file`` lists what failed.
    """

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    merged: int = 0
    removed: int = 0
    skipped: list[Skipped] = field(default_factory=list)
    report_file: Path | None = None

    @property
    def faults(self) -> int:
        """Return how many of the skipped records are faults of their source."""
        return sum(item.is_fault for item in self.skipped)

    @property
    def counts(self) -> str:
        """Return the counts as words."""
        kept = f"{self.added} added, {self.updated} updated, {self.unchanged} unchanged, {self.removed} removed"
        merged = f"{self.merged} merged, " if self.merged else ""
        return f"{kept}, {merged}{len(self.skipped)} skipped"
