"""How long retrieval takes, against the embedding of the query alone, interleaved in one run.

Knows clocks; knows nothing of quality.
"""

import time
from dataclasses import dataclass
from itertools import cycle, islice

import numpy as np

from chatbot import PaperChatbot
from chatbot.embedding import load_embedder
from chatbot.errors import InputError


@dataclass(frozen=True, slots=True)
class SpeedResult:
    """Milliseconds."""

    papers: int
    queries: int
    embed_p50: float
    embed_p95: float
    search_p50: float
    search_p95: float

    @property
    def ratio(self) -> float:
        """Return the p95 of a whole retrieval in median query-embedding passes."""
        return self.search_p95 / self.embed_p50


def measure_speed(bot: PaperChatbot, queries: int = 200) -> SpeedResult:
    """Search for the titles of indexed papers; each is embedded alone just before."""
    titles = list(islice((paper.title for paper in bot.papers()), queries))
    if not titles:
        raise InputError("nothing is indexed; give --index a folder with papers")
    embedder = load_embedder(bot.settings)
    for title in titles[:10]:
        embedder.embed_query(title)
        bot.search(title)
    embedding, searching = [], []
    for title in islice(cycle(titles), queries):
        started = time.perf_counter()
        embedder.embed_query(title)
        embedded = time.perf_counter()
        bot.search(title)
        embedding.append(embedded - started)
        searching.append(time.perf_counter() - embedded)
    percentiles = [float(np.percentile(times, at)) * 1000 for times in (embedding, searching) for at in (50, 95)]
    return SpeedResult(len(bot), queries, *percentiles)
