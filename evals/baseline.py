"""The naive answerer to beat: the three sentences nearest to the question among the ten nearest papers.

Knows only vectors; it is what a first retrieval recipe does, scored like the chatbot.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from chatbot import PaperChatbot
from chatbot.answers import Answer, Citation, Sentence
from chatbot.conversation import Turn
from chatbot.filters import Filter
from chatbot.records import Hit, Paper, Span, Whole
from chatbot.settings import Settings

PAPERS, SENTENCES, NAIVE = 10, 3, "naive"


class NaiveBot(PaperChatbot):
    """A chatbot that quotes the nearest sentences, whatever is asked; it knows no history and never abstains."""

    def __init__(self, *settings: Settings, **options: Any) -> None:
        super().__init__(*settings, **options)
        self.answerer.model = NAIVE
        self._vectors: dict[str, npt.NDArray[np.float32]] = {}  # of sentences, each embedded by itself

    def ask(
        self,
        question: str,
        history: Sequence[str | Turn] = (),
        id: str | None = None,
        filter: Filter | str | None = None,
    ) -> Answer:
        """Return the answer to ``question``; its confidence is the best cosine."""
        vector, scope = self._embedder.embed_query(question), self.within(filter).scope()
        near = scope.nearest_passages(vector, PAPERS)
        papers = self.index.papers(list(near))
        spans = self.index.spans(list(papers.values()))
        self._embed([span.text for key in near for span in spans[key]])
        found = [(float(self._vectors[span.text] @ vector), key, span) for key in near for span in spans[key]]
        return _answer(question, near, papers, sorted(found, key=lambda each: -each[0])[:SENTENCES])

    def _embed(self, texts: Sequence[str]) -> None:
        new = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        self._vectors |= zip(new, self._embedder.embed_papers([Whole(text) for text in new]), strict=True)


def _answer(
    question: str, near: Mapping[str, float], papers: Mapping[str, Paper], ranked: Sequence[tuple[float, str, Span]]
) -> Answer:
    citations = tuple(
        Citation(number, key, papers[key].title, span.text, span.start, span.end)
        for number, (_, key, span) in enumerate(ranked, 1)
    )
    return Answer(
        question=question,
        standalone_question=question,
        status="answered",
        answer="",
        sentences=tuple(Sentence(citation.quote, (citation.number,), "supported") for citation in citations),
        citations=citations,
        retrieved=tuple(Hit(rank, papers[key], score) for rank, (key, score) in enumerate(near.items(), 1)),
        confidence=ranked[0][0],
        model=NAIVE,
        timings_ms={},
        index="",
        settings="",
    )
