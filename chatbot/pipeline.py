"""Join the stages: question → query → hits → matches → draft → answer. The class that users program against.

Knows the order of the stages; leaves everything else to them.
"""

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from threading import Event, RLock
from typing import TYPE_CHECKING, Any

from chatbot import answerable, explain, extract
from chatbot.answering import Answerer, Outcome
from chatbot.answers import EXTRACTIVE, Answer, Usage
from chatbot.comparer import Comparer, Plan
from chatbot.comparison import Comparison
from chatbot.conversation import Turn
from chatbot.embedding import Embedder, load_embedder, load_words
from chatbot.export import export_bibtex, export_markdown
from chatbot.feedback import FeedbackStore
from chatbot.filters import Filter, Wanted, join_filters, parse_filter
from chatbot.index import PaperIndex, Scope, find_server
from chatbot.ingest import count_records, ingest, name_sources, rebuild_index
from chatbot.library import Library
from chatbot.questions import clean_question
from chatbot.reader import Reader
from chatbot.recall import Recaller
from chatbot.records import Hit, IngestReport, Match, Paper, Question
from chatbot.settings import Settings, load_settings
from chatbot.threads import ThreadStore

if TYPE_CHECKING:
    from langchain_core.retrievers import BaseRetriever
    from langchain_core.runnables import Runnable

MOST_ASPECT = 200  # characters of a column's name


class PaperChatbot:
    """Ask questions about indexed papers: ``PaperChatbot().ask("What is LiNeS?").answer``.

    Settings come from keyword arguments first, then ``CHATBOT_*`` environment variables. Methods raise
    ChatbotError with a one-line message.
    """

    def __init__(self, settings: Settings | None = None, **options: Any) -> None:
        self.settings = settings or load_settings(**options)
        self._embedder: Embedder = load_embedder(self.settings)
        self._opened: PaperIndex | None = None
        self._opening = RLock()  # two at once would open Chroma's folder twice
        self.filter: Filter | None = None
        words = load_words(self._embedder)
        self.answerer = Answerer(self.settings, words.embed_words)
        self._read_from(Reader(self.scope, self._embedder, words))

    def _read_from(self, reader: Reader) -> None:
        self.reader, self._comparer = reader, Comparer(reader, self.answerer)
        self._recaller = Recaller(self.settings, reader, self._comparer, self.answerer)

    @property
    def index(self) -> PaperIndex:
        """Return the index, opened at first use. Raises IndexMissing when nothing was ingested."""
        with self._opening:
            if self._opened is None:
                self._opened = PaperIndex(self.settings.index, self._embedder.identity, find_server(self.settings))
            return self._opened

    def __len__(self) -> int:
        """Return the number of indexed papers."""
        return len(self.index)

    def ingest(
        self, *sources: str | Path, progress: Callable[[int], None] | None = None, rebuild: bool = False
    ) -> IngestReport:
        """Bring papers of files, folders, services (``arxiv:2410.12345``) and standard input (``-``) into the index.

        Without any source, the seed papers. With ``rebuild``, all papers that the index holds are embedded again
        first, by the current model; then no source is needed, and none is added of itself.
        """
        folder, server = self.settings.index, find_server(self.settings)
        if rebuild:
            self._opened = None
            if rebuild_index(self._embedder, self.settings, progress) and not sources:
                return IngestReport(unchanged=len(self))
        self._opened = index = PaperIndex.create(folder, self._embedder.identity, server)
        return ingest(index, self._embedder, name_sources(sources), progress, self.settings)

    def count(self, *sources: str | Path, stopped: Event | None = None) -> int | None:
        """Return how many records an ingest of ``sources`` will read; None when that takes long or is stopped."""
        return count_records([source for _, source in name_sources(sources)], self.settings, stopped)

    def within(self, filter: Wanted) -> "PaperChatbot":
        """Return a chatbot that knows only the papers passing ``filter``, and shares everything else with this one.

        Raises InputError for an expression that cannot be read.
        """
        if not filter:
            return self
        wanted, narrow = parse_filter(filter) if isinstance(filter, str) else filter, copy(self)
        narrow.filter = join_filters("and", [self.filter, wanted]) if self.filter else wanted
        narrow._read_from(Reader(narrow.scope, self._embedder, self.reader.words))
        return narrow

    def scope(self) -> PaperIndex | Scope:
        """Return the papers that are searched: the index, or the part of it that passes the filter."""
        return self.index.within(self.filter) if self.filter else self.index

    def search(self, query: str, top_k: int | None = None, filter: Wanted = None) -> list[Hit]:
        """Return the papers nearest to ``query``, best first, among those that pass ``filter``."""
        if filter:
            return self.within(filter).search(query, top_k)
        query = clean_question(query, self.settings.max_question_chars)
        self.index.refresh()
        return self.reader.search(query, top_k or self.settings.top_k)[0]

    def ask(
        self, question: str, history: Sequence[str | Turn] = (), id: str | None = None, filter: Wanted = None
    ) -> Answer:
        """Answer ``question`` from the papers that pass ``filter``.

        ``history`` holds the user's earlier questions, or Turns with what was cited.
        """
        *_, answer = self.stream(question, history, id, filter)
        return answer

    def stream(
        self, question: str, history: Sequence[str | Turn] = (), id: str | None = None, filter: Wanted = None
    ) -> Generator[Answer]:
        """Yield the answer as it grows, a checked sentence at a time; the last one is complete.

        Closing the generator ends the model's work.
        """
        if filter:
            yield from self.within(filter).stream(question, history, id)
            return
        started = time.perf_counter()
        question = clean_question(question, self.settings.max_question_chars)
        self.index.refresh()
        turns = self._recaller.recall(history)
        if plan := self._comparer.plan(question, turns):
            yield from self._compare(plan, question, started, id)
            return
        spent = list[Usage]()
        standalone = self._recaller.make_standalone(question, turns, spent)
        read, hits, matches = self._recaller.read(standalone)
        retrieved = time.perf_counter()
        chosen = extract.choose_papers(read, matches)
        judgement = answerable.judge(read, chosen, self.reader.unknown_names(read))
        for outcome in self.answerer.answer(read, matches, chosen, judgement):
            outcome = replace(outcome, usage=sum(spent, outcome.usage or Usage()) if spent else outcome.usage)
            yield self._make_answer(question, read.text or standalone.text, hits, outcome, (started, retrieved), id)

    def compare(
        self,
        papers: Sequence[str],
        aspects: Sequence[str] = (),
        earlier: Comparison | None = None,
        filter: Wanted = None,
    ) -> Answer:
        """Return the grid of ``papers`` (titles, parts of titles, coined names, ids) by ``aspects`` as an answer.

        A single name such as "the papers about federated learning" stands for several. Cells of ``earlier`` stay.
        """
        if filter:
            return self.within(filter).compare(papers, aspects, earlier)
        started = time.perf_counter()
        self.index.refresh()
        names = [clean_question(name, self.settings.max_question_chars, "name of a paper") for name in papers]
        columns = [clean_question(aspect, MOST_ASPECT, "column") for aspect in aspects]
        plan = self._comparer.compare(names, columns, earlier.cells if earlier else ())
        *_, answer = self._compare(plan, f"Compare {', '.join(names)}", started, None)
        return answer

    def _compare(self, plan: Plan, question: str, started: float, id: str | None) -> Iterator[Answer]:
        read = time.perf_counter()
        hits = [Hit(rank, paper, 1.0) for rank, paper in enumerate(plan.grid.papers, 1)]
        for outcome, grid in self._comparer.answer(plan):
            answer = self._make_answer(question, question, hits, outcome, (started, read), id)
            yield replace(answer, comparison=grid)

    def _make_answer(
        self,
        question: str,
        standalone: str,
        hits: Sequence[Hit],
        outcome: Outcome,
        times: tuple[float, float],
        id: str | None,
    ) -> Answer:
        """Return the answer of ``outcome``; ``times`` are when the work began and when retrieval ended, in seconds."""
        draft, (started, retrieved), now = outcome.draft, times, time.perf_counter()
        return Answer(
            id=id,
            question=question,
            standalone_question=standalone,
            status=draft.status,
            answer=draft.text + (self._tell_filter() if draft.status == "abstained" else ""),
            sentences=draft.sentences,
            withheld=draft.withheld,
            citations=draft.citations,
            retrieved=tuple(hits),
            confidence=draft.confidence,
            model=outcome.model,
            notice=outcome.notice,
            usage=outcome.usage,
            timings_ms={
                "retrieve": _milliseconds(started, retrieved),
                "answer": _milliseconds(retrieved, now),
                "total": _milliseconds(started, now),
            },
            index=self.index.manifest.fingerprint,
            settings=self.settings.fingerprint(),
            prompts=self.answerer.prompts.fingerprint if outcome.model != EXTRACTIVE else "",
            cut=outcome.cut,
            filter=str(self.filter or ""),
        )

    def why_not(self, answer: Answer | Mapping[str, Any], name: str) -> str:
        """Return in a sentence why ``answer``, or its JSON form, does not cite the paper called ``name``.

        A title, a part of one, a coined name or an id will do. The question is read again, in today's index.
        """
        record = answer.to_dict() if isinstance(answer, Answer) else answer
        name = clean_question(name, self.settings.max_question_chars, "name of a paper")
        self.index.refresh()
        reader = self.within(record.get("filter")).reader
        return explain.tell_absence(reader, record, name, self._comparer.find(name), self.settings.top_k)

    def _tell_filter(self) -> str:
        return f" (Only {len(self.scope())} of {len(self)} papers pass the filter.)" if self.filter else ""

    def read(self, question: str, history: Sequence[str | Turn] = ()) -> tuple[Question, list[Hit], list[Match]]:
        """Return what an answer to ``question`` is made from: the question as read, hits and matches."""
        return self._recaller.read(self._recaller.make_standalone(question, self._recaller.recall(history)))

    def has_answer(self, question: str, history: Sequence[str | Turn] = ()) -> bool:
        """Tell whether the papers answer all of ``question``, as judged without a model."""
        turns = self._recaller.recall(history)
        _, draft, _ = self._recaller.quote(clean_question(question, self.settings.max_question_chars), turns)
        return draft.status == "answered"

    def papers(self, filter: Wanted = None) -> Iterator[Paper]:
        """Yield every indexed paper that passes ``filter``."""
        self.index.refresh()
        return self.within(filter).scope().all_papers()

    def paper(self, paper_id: str) -> Paper | None:
        """Return one indexed paper."""
        return self.index.papers([paper_id]).get(paper_id)

    def turn(self, answer: Answer) -> Turn:
        """Return what a later question needs to know of ``answer``."""
        grid = answer.comparison
        papers = grid.papers if grid else self.reader.papers(citation.paper_id for citation in answer.citations)
        return Turn(answer.standalone_question, papers, grid)

    @property
    def library(self) -> Library:
        """Return what keeps the indexed papers in order: a list of them, additions by hand, removals."""
        return Library(lambda: self.index, self._embedder, self.settings.added)

    @property
    def threads(self) -> ThreadStore:
        """Return the stored conversations, which lie in the folder of the index."""
        return ThreadStore(self.settings.threads)

    @property
    def feedback(self) -> FeedbackStore:
        """Return the readers' feedback on answers, which lies there too."""
        return FeedbackStore(self.settings.feedback)

    def resume(self, user: str, id: str) -> list[Turn]:
        """Return the turns of a stored thread, as ``history`` to go on with. Raises ThreadMissing."""
        self.index.refresh()
        return [self._recaller.restore(question, cited, grid) for question, cited, grid in self.threads.turns(user, id)]

    def export(self, user: str, id: str, bibtex: bool = False) -> str:
        """Return a stored thread as Markdown with references, or its BibTeX alone. Raises ThreadMissing."""
        self.index.refresh()
        thread, answers = self.threads.find(user, id), self.threads.answers(user, id)
        papers = self.index.papers(list({citation["paper_id"] for each in answers for citation in each["citations"]}))
        return export_bibtex(answers, papers) if bibtex else export_markdown(thread, answers, papers)

    def as_retriever(self, **options: Any) -> "BaseRetriever":
        """Return a LangChain retriever over the index."""
        from chatbot.langchain import PaperRetriever

        return PaperRetriever(bot=self, **options)

    def as_runnable(self) -> "Runnable[Any, Answer]":
        """Return a LangChain Runnable from a question (text, or a dict with question and history) to an Answer."""
        from chatbot.langchain import AskRunnable

        return AskRunnable(self)


def _milliseconds(start: float, end: float) -> float:
    return round((end - start) * 1000, 1)
