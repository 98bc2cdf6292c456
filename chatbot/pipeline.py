"""Join the stages: question → query → hits → matches → draft → answer. The class that users program against.

Knows the order of the stages; leaves everything else to them.
"""

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chatbot import answerable, extract, matching, ranking, retrieval
from chatbot.answering import Answerer, Outcome
from chatbot.answers import Answer
from chatbot.conversation import Standalone, Turn, make_standalone
from chatbot.embedding import Embedder, load_embedder, load_words
from chatbot.export import export_bibtex, export_markdown
from chatbot.index import PaperIndex
from chatbot.ingest import ingest, rebuild_index
from chatbot.models import EXTRACTIVE
from chatbot.questions import clean_question, read_question
from chatbot.records import Hit, IngestReport, Match, Paper, Question
from chatbot.resources import find_resource
from chatbot.settings import Settings, load_settings
from chatbot.threads import ThreadStore

if TYPE_CHECKING:
    from langchain_core.retrievers import BaseRetriever
    from langchain_core.runnables import Runnable

SEEDS = ("seed papers", "daily_papers.txt")
READ_PAPERS, READ_PAPERS_WHICH = 12, 20  # papers whose sentences are compared with the question word by word


class PaperChatbot:
    """Ask questions about indexed papers: ``PaperChatbot().ask("What is LiNeS?").answer``.

    Settings come from keyword arguments first, then ``CHATBOT_*`` environment variables. Methods raise
    ChatbotError with a one-line message.
    """

    def __init__(self, settings: Settings | None = None, **options: Any) -> None:
        self.settings = settings or load_settings(**options)
        self._embedder: Embedder = load_embedder(self.settings)
        self._words = load_words(self._embedder)
        self._opened: PaperIndex | None = None
        self.answerer = Answerer(self.settings, self._words.embed_words)

    @property
    def index(self) -> PaperIndex:
        """Return the index, opened at first use. Raises IndexMissing when nothing was ingested."""
        if self._opened is None:
            self._opened = PaperIndex(self.settings.index, self._embedder.identity)
        return self._opened

    def __len__(self) -> int:
        """Return the number of indexed papers."""
        return len(self.index)

    def ingest(
        self, *sources: str | Path, progress: Callable[[int], None] | None = None, rebuild: bool = False
    ) -> IngestReport:
        """Bring the papers of files and BEIR folders into the index; without sources, the seed papers.

        With ``rebuild``, all papers that the index holds are embedded again first, by the current model; then
        no source is needed, and none is added of itself.
        """
        if rebuild:
            self._opened = None
            rebuild_index(self.settings.index, self._embedder, progress)
            if not sources and self.settings.index.exists():
                return IngestReport(unchanged=len(self))
        named = [(str(Path(source).resolve()), Path(source)) for source in sources]
        if not named:
            named = [(SEEDS[0], find_resource("seeds", SEEDS[1]))]
        index = PaperIndex.create(self.settings.index, self._embedder.identity)
        self._opened = index
        return ingest(index, self._embedder, named, progress)

    def search(self, query: str, top_k: int | None = None) -> list[Hit]:
        """Return the papers nearest to ``query``, best first."""
        query = clean_question(query, self.settings.max_question_chars)
        self.index.refresh()
        return self._search(query, top_k or self.settings.top_k)[0]

    def ask(self, question: str, history: Sequence[str | Turn] = (), id: str | None = None) -> Answer:
        """Answer ``question``; ``history`` holds the user's earlier questions, or Turns with what was cited."""
        *_, answer = self.stream(question, history, id)
        return answer

    def stream(self, question: str, history: Sequence[str | Turn] = (), id: str | None = None) -> Generator[Answer]:
        """Yield the answer as it grows, a checked sentence at a time; the last one is complete.

        Closing the generator ends the model's work.
        """
        started = time.perf_counter()
        question = clean_question(question, self.settings.max_question_chars)
        self.index.refresh()
        standalone = self._make_standalone(question, history)
        read, hits, matches = self._read_papers(standalone)
        retrieved = time.perf_counter()
        chosen = extract.choose_papers(read, matches)
        judgement = answerable.judge(read, chosen, self._unknown_names(read))
        for outcome in self.answerer.answer(read, matches, chosen, judgement):
            timings = {
                "retrieve": _milliseconds(started, retrieved),
                "answer": _milliseconds(retrieved, time.perf_counter()),
                "total": _milliseconds(started, time.perf_counter()),
            }
            yield self._make_answer(question, standalone, hits, outcome, timings, id)

    def _make_answer(
        self,
        question: str,
        standalone: Standalone,
        hits: Sequence[Hit],
        outcome: Outcome,
        timings: dict[str, float],
        id: str | None,
    ) -> Answer:
        draft = outcome.draft
        return Answer(
            id=id,
            question=question,
            standalone_question=standalone.text,
            status=draft.status,
            answer=draft.text,
            sentences=draft.sentences,
            withheld=draft.withheld,
            citations=draft.citations,
            retrieved=tuple(hits),
            confidence=draft.confidence,
            model=outcome.model,
            notice=outcome.notice,
            usage=outcome.usage,
            timings_ms=timings,
            index=self.index.manifest.fingerprint,
            settings=self.settings.fingerprint(),
            prompts=self.answerer.prompts.fingerprint if outcome.model != EXTRACTIVE else "",
            cut=outcome.cut,
        )

    def read(self, question: str, history: Sequence[str | Turn] = ()) -> tuple[Question, list[Hit], list[Match]]:
        """Return what an answer to ``question`` is made from: the question as read, hits and matches."""
        return self._read_papers(self._make_standalone(question, history))

    def papers(self) -> Iterator[Paper]:
        """Yield every indexed paper."""
        self.index.refresh()
        return self.index.all_papers()

    def paper(self, paper_id: str) -> Paper | None:
        """Return one indexed paper."""
        return self.index.papers([paper_id]).get(paper_id)

    def turn(self, answer: Answer) -> Turn:
        """Return what a later question needs to know of ``answer``."""
        return Turn(answer.standalone_question, self._papers_of(citation.paper_id for citation in answer.citations))

    @property
    def threads(self) -> ThreadStore:
        """Return the stored conversations, which lie in the folder of the index."""
        return ThreadStore(self.settings.threads)

    def resume(self, user: str, id: str) -> list[Turn]:
        """Return the turns of a stored thread, as ``history`` to go on with. Raises ThreadMissing."""
        self.index.refresh()
        return [Turn(question, self._papers_of(cited)) for question, cited in self.threads.turns(user, id)]

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

    def _search(self, query: str, top_k: int) -> tuple[list[Hit], Any]:
        vector = self._embedder.embed_query(query)
        return retrieval.search(self.index, query, vector, top_k), vector

    def _recall(self, history: Sequence[str | Turn]) -> list[Turn]:
        """Return ``history`` as turns; of an earlier question alone, the papers are those quoted without a model."""
        turns: list[Turn] = []
        for earlier in history:
            turns.append(earlier if isinstance(earlier, Turn) else self._recall_question(earlier, turns))
        return turns

    def _recall_question(self, question: str, turns: Sequence[Turn]) -> Turn:
        read = read_question(clean_question(question, self.settings.max_question_chars))
        standalone = make_standalone(read, turns, names_other=self._names_a_paper(read))
        read, _, matches = self._read_papers(standalone)
        chosen = extract.choose_papers(read, matches)
        draft = extract.answer(read, matches, chosen, answerable.judge(read, chosen, self._unknown_names(read)))
        return Turn(standalone.text, self._papers_of(citation.paper_id for citation in draft.citations))

    def _papers_of(self, ids: Iterable[str]) -> tuple[Paper, ...]:
        """Return those papers that are still indexed, each once, in the order given."""
        wanted = list(dict.fromkeys(ids))
        papers = self.index.papers(wanted)
        return tuple(papers[key] for key in wanted if key in papers)

    def _make_standalone(self, question: str, history: Sequence[str | Turn]) -> Standalone:
        turns = self._recall(history)
        if condensed := self.answerer.condense(question, turns):
            return Standalone(condensed)
        read = read_question(question)
        return make_standalone(read, turns, names_other=self._names_a_paper(read))

    def _names_a_paper(self, question: Question) -> bool:
        frequencies = {name: self._frequency(name) for name in question.names}
        return any(0 < count <= matching.MOST_HOLDERS for count in frequencies.values())

    def _unknown_names(self, question: Question) -> list[str]:
        """Return the names in ``question`` that no indexed paper mentions."""
        return [name for name in question.names if self._frequency(name) == 0]

    def _frequency(self, name: str) -> int:
        found = self.index.document_frequency(name)
        return min(found.values(), default=1)

    def _read_papers(self, standalone: Standalone) -> tuple[Question, list[Hit], list[Match]]:
        """Return the question as read, the hits in the order of reading, and the matches of those that were read."""
        question = read_question("" if standalone.unresolved else standalone.text)
        if not question.words:
            return question, [], []
        count = READ_PAPERS if question.kind == "single" else READ_PAPERS_WHICH
        hits, vector = self._search(question.text, max(count, self.settings.top_k))
        spans = self.index.spans([hit.paper for hit in hits[:count]])
        matches = matching.match_papers(
            question, vector, hits[:count], spans, self._words.embed_words, standalone.focus
        )
        matches = ranking.rank_sentences(question, matches)
        order = [match.hit for match in matches] + hits[count:]
        ranked = [Hit(rank, hit.paper, hit.score, hit.similarity) for rank, hit in enumerate(order, 1)]
        return question, ranked[: self.settings.top_k], matches


def _milliseconds(start: float, end: float) -> float:
    return round((end - start) * 1000, 1)
