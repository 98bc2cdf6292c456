"""The naive answerer to beat: the three sentences nearest to the question among the ten nearest papers.

Knows only vectors; it is what a first retrieval recipe does, scored like the chatbot.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from chatbot import PaperChatbot
from chatbot.answers import Answer, Citation, Sentence
from chatbot.embedding import load_embedder
from chatbot.records import Hit
from evals.answers import Score, score_answer
from evals.questions import Sample

PAPERS, SENTENCES = 10, 3


def ask_baseline(bot: PaperChatbot, samples: Sequence[Sample]) -> list[Score]:
    """Answer each question, without its history, and score the answer; the confidence is the best cosine."""
    embedder = load_embedder(bot.settings)
    vectors = [embedder.embed_query(sample.question) for sample in samples]
    return [score_answer(sample, _answer(bot, sample, vector)) for sample, vector in zip(samples, vectors, strict=True)]


def _answer(bot: PaperChatbot, sample: Sample, vector: npt.NDArray[np.float32]) -> Answer:
    near = bot.index.nearest_passages(vector, PAPERS)
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
        question=sample.question,
        standalone_question=sample.question,
        status="answered",
        answer="",
        sentences=tuple(Sentence(citation.quote, (citation.number,), "supported") for citation in citations),
        citations=citations,
        retrieved=tuple(Hit(rank, papers[key], score) for rank, (key, score) in enumerate(near.items(), 1)),
        confidence=ranked[0][0],
        model="baseline",
        timings_ms={},
        index="",
        settings="",
    )
