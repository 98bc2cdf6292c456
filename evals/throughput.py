"""How much of an ingest's time is the model's own, and how much the dense search misses of what exact search finds.

Knows clocks, the bundled model's files and cosines; knows nothing of answers.
"""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from chatbot import PaperChatbot
from chatbot.embedding import Embedder, load_embedder
from chatbot.embedding.devices import BatchSize, choose_device
from chatbot.embedding.embedder import DEFAULT_MODEL
from chatbot.embedding.minilm import (
    PIECES_ON_CPU,
    PIECES_ON_GPU,
    MiniLM,
    find_model,
    first_batch,
    pad_batch,
)
from chatbot.errors import InputError
from chatbot.index import PaperIndex
from chatbot.ingest import ingest
from chatbot.records import Whole
from chatbot.storing import make_entry
from evals.jsonl import write_papers
from evals.statistics import Interval, bootstrap_mean

PAPERS = 128  # as many as an ingest embeds at a time
NEAREST = 10
_TIE = 1e-5  # of cosines that are the same but for rounding


@dataclass(frozen=True, slots=True)
class RecallResult:
    """Share of the ten nearest passages that the index finds too, a mean over queries with a 95% interval."""

    queries: int
    share: float
    interval: Interval


def measure_recall(bot: PaperChatbot, queries: int = 200) -> RecallResult:
    """Search the graph for titles of indexed papers, and compare each with numpy over all vectors."""
    titles = list(dict.fromkeys(islice((paper.title for paper in bot.papers()), queries)))
    embedder = load_embedder(bot.settings)
    wanted = np.stack([embedder.embed_query(title) for title in titles])
    exact = _search_exactly(bot.index, wanted)
    shares = [
        _share(row, bot.index.nearest_passages(vector, NEAREST)) for row, vector in zip(exact, wanted, strict=True)
    ]
    return RecallResult(len(titles), float(np.mean(shares)), bootstrap_mean(shares, titles))


def _search_exactly(index: PaperIndex, wanted: Any) -> list[dict[str, float]]:
    """Return the cosines of each query's ten nearest passages, by the passages' ids."""
    best = [dict[str, float]() for _ in wanted]
    for page in index.entries():
        ids = [chunk.id for entry in page for chunk in entry.passages]
        vectors = np.concatenate([entry.vectors[: len(entry.passages)] for entry in page])
        for at, cosines in enumerate(wanted @ vectors.T):
            joined = best[at] | {ids[n]: float(cosines[n]) for n in np.argsort(-cosines)[:NEAREST]}
            best[at] = dict(sorted(joined.items(), key=lambda each: -each[1])[:NEAREST])
    return best


def _share(best: dict[str, float], found: dict[str, float]) -> float:
    """Return the share of the papers of ``best`` that are ``found``, or others just as near in their place."""
    papers, least = {chunk.rpartition("#")[0] for chunk in best}, min(best.values())
    right = sum(cosine >= least - _TIE for cosine in found.values())
    return min(right / len(papers), 1.0)


@dataclass(frozen=True, slots=True)
class ThroughputResult:
    """Rates in windows of text a second: the bare model, and embedding in an ingest of ``papers`` papers.

    ``seconds`` is how long that ingest took, ``others`` the share of it that was not embedding.
    """

    papers: int
    windows: int
    bare: float
    embedding: float
    seconds: float
    others: float

    @property
    def ratio(self) -> float:
        """Return the rate of embedding in rates of the bare model."""
        return self.embedding / self.bare


class _Timed:
    """An embedder that keeps how long it took."""

    def __init__(self, embedder: Embedder) -> None:
        self.identity, self.dimensions, self._embedder, self.seconds = embedder.identity, 0, embedder, 0.0

    def embed_papers(self, passages: Sequence[Whole]) -> Any:
        started = time.perf_counter()
        vectors = self._embedder.embed_papers(passages)
        self.seconds += time.perf_counter() - started
        return vectors

    def embed_query(self, text: str) -> Any:
        return self._embedder.embed_query(text)


def measure_throughput(bot: PaperChatbot, papers: int = PAPERS, runs: int = 2) -> ThroughputResult:
    """Ingest some indexed papers into a temporary index, and by turns run the bare model on the same windows of text.

    The bare model gets pieces, not words, in the batches that the embedder makes of them, and its output is dropped.
    Raises InputError for another model than the bundled one, whose inside is not known.
    """
    if bot.settings.embedding != DEFAULT_MODEL:
        raise InputError(f"only {DEFAULT_MODEL} can be compared with its bare model")
    chosen = [replace(paper, body="", pages=()) for paper in islice(bot.papers(), papers)]  # as they are written
    if not chosen:
        raise InputError("nothing is indexed; give --index a folder with papers")
    passages = [passage for paper in chosen for passage in make_entry(paper, []).to_embed]
    model = MiniLM()
    embedder = _Timed(model)
    embedder.embed_papers(passages[:8])
    embedder.seconds = 0.0
    rows, _ = model.cut(passages)
    bare = _Bare(rows)
    alone = whole = 0.0
    for _ in range(runs):
        alone += bare.run()
        with tempfile.TemporaryDirectory() as scratch:
            source = Path(scratch) / "papers.jsonl"
            write_papers(source, chosen)
            started = time.perf_counter()
            ingest(PaperIndex.create(Path(scratch) / "index", embedder.identity), embedder, [("papers", source)])
            whole += time.perf_counter() - started
        alone += bare.run()
    rates = 2 * runs * len(rows) / alone, runs * len(rows) / embedder.seconds
    return ThroughputResult(len(chosen), len(rows), *rates, whole / runs, (whole - embedder.seconds) / whole)


class _Bare:
    """The model's forward pass on batches that are ready: cut into pieces, sorted by length, padded."""

    def __init__(self, rows: Sequence[list[int]]) -> None:
        import torch

        from chatbot.embedding.bert import BertEncoder

        folder, (device, number_format) = find_model(), choose_device()
        self._model = BertEncoder(folder, device, getattr(torch, number_format))
        rows = sorted(rows, key=len, reverse=True)
        pieces, self._batches = BatchSize(device, PIECES_ON_CPU, PIECES_ON_GPU).most, list[tuple[Any, Any]]()
        while rows:
            batch = first_batch(rows, pieces)
            self._batches.append(pad_batch(batch, device))
            rows = rows[len(batch) :]

    def run(self) -> float:
        """Return the seconds that all batches take."""
        import torch

        started = time.perf_counter()
        with torch.inference_mode():
            for ids, mask in self._batches:
                self._model(ids, mask)
        if self._model.device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - started
