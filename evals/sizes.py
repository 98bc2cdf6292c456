"""What an index takes as it grows: memory, disk, opening, searching and small changes, each in a process of its own.

Knows processes and clocks; the vectors are stand-ins, so that a size is measured in minutes and not in hours.
"""

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from chatbot import PaperChatbot
from chatbot.embedding import list_texts
from chatbot.embedding.minilm import MiniLM
from chatbot.errors import InputError
from chatbot.index import PaperIndex, measure
from chatbot.ingest import ingest
from chatbot.records import Paper, Whole
from chatbot.sources import read_papers
from chatbot.terminal import progress_bar
from chatbot.upkeep import export_snapshot
from evals.jsonl import write_papers
from evals.peers.harness import peak_memory
from evals.speed import SpeedResult, measure_speed
from evals.throughput import RecallResult, measure_recall, measure_throughput

CHANGED = 100  # papers that get another text, and as many that are gone
QUERIES = 100
EMBEDDED = 512  # papers that are embedded for real, to know how many a second are
ABSTRACTS = (100_000, 2_500_000, 200_000_000)  # a field, arXiv, everything
_SHIFT = 0.75  # length of what is added at random to a unit vector: leaves a cosine of about 0.8
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Size:
    """What an index of ``papers`` papers takes. Seconds, MB of memory, and bytes on disk and of a snapshot.

    ``memory`` is the peak of the process that stored the last of them, the model in it; ``reading`` that of one that
    only searched. ``opening`` ends with the first search.
    """

    papers: int
    storing: float
    memory: float
    disk: int
    snapshot: int
    opening: float
    reading: float
    unchanged: float
    changed: float
    speed: SpeedResult
    recall: RecallResult


@dataclass(frozen=True, slots=True)
class Need:
    """What ``abstracts`` would need on a machine such as this: hours, bytes on disk, in memory and of a snapshot."""

    abstracts: int
    hours: float
    disk: float
    memory: float
    snapshot: float


class StandIn:
    """Vectors of the first texts by the bundled model, for others one of those moved at random; passes for the model.

    So the model's memory is in what is measured, and vectors lie in clusters, as real ones do. Each text is read by
    itself: vectors of sentences in their abstract would lie in fewer clusters than the abstracts of many papers do.
    """

    identity, dimensions = MiniLM.identity, MiniLM.dimensions

    def __init__(self) -> None:
        self._model, self._random = MiniLM(), np.random.default_rng(0)
        self._real: Any = None

    def embed_papers(self, passages: Sequence[Whole]) -> Any:
        """Return unit vectors, shape ``(passages and sentences, dimensions)``."""
        if self._real is None:
            self._real = self._model.embed_texts(list_texts(passages))
            return self._real
        count = sum(1 + len(each.sentences) for each in passages)
        noise = self._random.standard_normal((count, self.dimensions), np.float32)
        vectors = self._real[self._random.integers(len(self._real), size=count)]
        vectors = vectors + noise * np.float32(_SHIFT / self.dimensions**0.5)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def embed_query(self, text: str) -> Any:
        """Return the real vector of ``text``."""
        return self._model.embed_query(text)


def measure_sizes(papers: Path, counts: Sequence[int], folder: Path) -> Iterator[Size]:
    """Yield what an index in ``folder`` takes with the first papers of a file, as it grows to each of ``counts``.

    A file with fewer is gone through again, with other ids and titles. Raises SourceError or InputError for a file
    that cannot be read or has no papers.
    """
    source, index = folder / "papers.jsonl", folder / "index"
    known = [paper for paper in read_papers(papers) if isinstance(paper, Paper)]
    if not known:
        raise InputError(f"{papers} has no usable paper; give another --papers")
    for number in sorted(set(counts)):
        write_papers(source, islice(_repeat(known), number))
        storing, memory = _apart(partial(_store, index, source))
        opening, reading, speed, recall = _apart(partial(_search, index))
        disk, snapshot = _apart(partial(_weigh, index, folder / "papers.tar"))
        unchanged, _ = _apart(partial(_store, index, source))
        write_papers(source, _change(islice(_repeat(known), number)))
        changed, _ = _apart(partial(_store, index, source))
        yield Size(number, storing, memory, disk, snapshot, opening, reading, unchanged, changed, speed, recall)


def measure_rate(papers: Path, folder: Path) -> float:
    """Return how many of the papers of a file are embedded and stored in a second, with the real model."""
    source = folder / "embedded.jsonl"
    write_papers(source, islice((paper for paper in read_papers(papers) if isinstance(paper, Paper)), EMBEDDED))
    bot = PaperChatbot(index=folder / "embedded", chroma_url="")
    bot.ingest(source)
    result = measure_throughput(bot, EMBEDDED)
    return result.papers / result.seconds


def estimate_needs(sizes: Sequence[Size], rate: float) -> list[Need]:
    """Draw a line through the smallest and the largest of ``sizes`` to each of ``ABSTRACTS``; ``rate`` is papers/s."""
    small, large = sizes[0], sizes[-1]

    def at(abstracts: int, low: float, high: float) -> float:
        return low + (high - low) * (abstracts - small.papers) / (large.papers - small.papers)

    return [
        Need(
            number,
            number / rate / 3600,
            at(number, small.disk, large.disk),
            at(number, small.memory, large.memory) * 1e6,
            at(number, small.snapshot, large.snapshot),
        )
        for number in ABSTRACTS
    ]


def _repeat(papers: Sequence[Paper]) -> Iterator[Paper]:
    yield from papers
    for again in count(2):
        for paper in papers:
            title = f"{paper.title} ({again})"
            yield replace(paper, id=f"{paper.id}-{again}", title=title, doi="", arxiv_id="", url="")


def _change(papers: Iterator[Paper]) -> Iterator[Paper]:
    """Leave some papers out, and give others another text."""
    list(islice(papers, CHANGED))
    for paper in islice(papers, CHANGED):
        yield replace(paper, abstract=f"{paper.abstract} This is another version.")
    yield from papers


def _apart(work: Callable[[], Result]) -> Result:
    """Return what ``work`` does in a new process, whose memory is its own."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work).result()


def _store(index: Path, source: Path) -> tuple[float, float]:
    started = time.perf_counter()
    with progress_bar("Storing") as progress:
        ingest(PaperIndex.create(index, StandIn.identity), StandIn(), [("papers", source)], progress)
    return time.perf_counter() - started, peak_memory()


def _weigh(index: Path, file: Path) -> tuple[int, int]:
    export_snapshot(index, file)
    snapshot = file.stat().st_size
    file.unlink()
    return sum(measure(index).bytes.values()), snapshot


def _search(index: Path) -> tuple[float, float, SpeedResult, RecallResult]:
    import chromadb  # noqa: F401  # whose import is no part of opening

    vector = np.full(StandIn.dimensions, StandIn.dimensions**-0.5, np.float32)
    started = time.perf_counter()
    opened = PaperIndex(index, StandIn.identity)
    opened.nearest_passages(vector, 1)
    opened.match_words("paper", 1)
    opening = time.perf_counter() - started
    bot = PaperChatbot(index=index, chroma_url="")
    speed, reading = measure_speed(bot, QUERIES), peak_memory()
    return opening, reading, speed, measure_recall(bot, QUERIES)
