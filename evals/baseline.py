"""The naive answerer to beat: the three sentences nearest to the question among the ten nearest papers.

Knows only vectors; it is what a first retrieval recipe does, scored like the chatbot.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from chatbot import PaperChatbot
from chatbot.answers import Answer, Citation, Sentence
from chatbot.conversation import Turn
from chatbot.filters import Filter
from chatbot.records import Hit
from chatbot.settings import Settings

PAPERS, SENTENCES, NAIVE = 10, 3, "naive"


class NaiveBot(PaperChatbot):
    """A chatbot that quotes the nearest sentences, whatever is asked; it knows no history and never abstains."""

    def __init__(self, *settings: Settings, **options: Any) -> None:
        super().__init__(*settings, **options)
        self.answerer.model = NAIVE

    def ask(
        self,
        question: str,
        history: Sequence[str | Turn] = (),
        id: str | None = None,
        filter: Filter | str | None = None,
    ) -> Answer:
        """Return the answer to ``question``; its confidence is the best cosine."""
        return _answer(self.within(filter), question, self._embedder.embed_query(question))


def _answer(bot: PaperChatbot, question: str, vector: npt.NDArray[np.float32]) -> Answer:
    near = bot.scope().nearest_passages(vector, PAPERS)
    papers = bot.index.papers(list(near))
    spans = bot.index.spans(list(papers.values()))
    ranked = sorted(
        ((float(span.vector @ vector), key, span) for key in near for span in spans[key]), key=lambda found: -found[0]
    )[:SENTENCES]
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
