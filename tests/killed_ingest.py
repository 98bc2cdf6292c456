"""Ingests that are killed at random moments and run again, beside one that nobody disturbs.

``python -m tests.killed_ingest FILE MOMENTS`` does it with a file of papers and that many moments, and prints what
differs. Its embedder hashes words, so that the moments fall into the storing and not into the embedding.
"""

import hashlib
import multiprocessing
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from chatbot.embedding import list_texts
from chatbot.index import PaperIndex, Server
from chatbot.index.vectors import FEW
from chatbot.ingest import ingest
from chatbot.records import Whole

IDENTITY = "hashed-words@1"


class HashedWords:
    """An embedder that needs no model: a text's vector is the sum of its words' own."""

    identity, dimensions = IDENTITY, 64

    def __init__(self) -> None:
        self._words: dict[str, Any] = {}

    def embed_papers(self, passages: Sequence[Whole]) -> Any:
        words = (re.findall(r"\w+", text.lower()) for text in list_texts(passages))
        vectors = np.stack([sum(map(self._embed_word, each), np.full(self.dimensions, 1e-3)) for each in words])
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)

    def embed_query(self, text: str) -> Any:
        return self.embed_papers([Whole(text)])[0]

    def _embed_word(self, word: str) -> Any:
        if word not in self._words:
            seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8])
            self._words[word] = np.random.default_rng(seed).standard_normal(self.dimensions)
        return self._words[word]


def bring_in(folder: Path, source: Path, server: Server | None = None) -> None:
    """Ingest ``source``; this is what is killed."""
    ingest(PaperIndex.create(folder, IDENTITY, server), HashedWords(), [("papers", source)])


class Trial:
    """Runs ingests of ``source`` in processes of their own, which start with the libraries loaded.

    With ``url``, the vectors go to a Chroma server.
    """

    def __init__(self, source: Path, url: str = "") -> None:
        self._source, self._url = source, url
        self._processes = multiprocessing.get_context("forkserver")
        self._processes.set_forkserver_preload(["chromadb", "tantivy", __name__])
        first = self._processes.Process(target=time.sleep, args=(0,))  # with which the libraries are loaded
        first.start()
        first.join()

    def find(self, folder: Path) -> Server | None:
        """Return where the vectors are that belong to ``folder``."""
        return Server(self._url, f"trial-{folder.name}") if self._url else None

    def start(self, work: Callable[..., None], *given: object) -> BaseProcess:
        """Begin with ``work`` in a process of its own."""
        process = self._processes.Process(target=work, args=given)
        process.start()
        return process

    def run(self, folder: Path, kill_after: float | None = None) -> float:
        """Ingest, with SIGKILL after ``kill_after`` seconds unless it is done by then; return the seconds it took."""
        started = time.perf_counter()
        process = self.start(bring_in, folder, self._source, self.find(folder))
        process.join(kill_after)
        process.kill()
        process.join()
        if kill_after is None and process.exitcode:
            raise RuntimeError(f"an ingest ended with {process.exitcode}")
        return time.perf_counter() - started


def describe(folder: Path, queries: Sequence[str], server: Server | None = None) -> dict[str, Any]:
    """Return ids, vectors, and what each of ``queries`` finds, by vectors and by words.

    All vectors are looked at, because Chroma's graph may miss another neighbour each time the same index is opened.
    """
    index, embedder = PaperIndex(folder, IDENTITY, server), HashedWords()
    entries = [entry for page in index.entries() for entry in page]
    passages = [chunk.id for entry in entries for chunk in entry.passages]
    papers = [entry.paper.id for entry in entries]
    found: dict[str, Any] = {"passages": [], "sentences": [], "words": []}
    for query in queries:
        vector = embedder.embed_query(query)
        parts = [passages[at : at + FEW] for at in range(0, len(passages), FEW)]
        found["passages"].append(_nearest(index.nearest_passages(vector, 10, part) for part in parts))
        cosines = {key: float((each[1:] @ vector).max()) for key, each in index.abstract_vectors(papers).items()}
        found["sentences"].append(_nearest([cosines]))
        words, _ = index.match_words(query, len(entries) + 1)  # all: at a cut, any of equal scores may stay
        found["words"].append({key: round(score, 4) for key, score in words.items()})
    vectors = {entry.paper.id: np.round(entry.vectors, 5).tolist() for entry in entries}
    return {"papers": {e.paper.id: (e.paper, e.records) for e in entries}, "vectors": vectors} | found


def _nearest(found: Iterable[dict[str, float]]) -> list[float]:
    return sorted((round(cosine, 4) for each in found for cosine in each.values()), reverse=True)[:10]


def kill_and_compare(
    source: Path, scratch: Path, moments: int, queries: Sequence[str], seed: int = 0, url: str = ""
) -> Iterator[tuple[str, list[str]]]:
    """Yield each moment of a kill, and what differs from an undisturbed ingest once it was run again."""
    trial, random = Trial(source, url), Random(seed)
    took = trial.run(scratch / "whole")
    expected = describe(scratch / "whole", queries, trial.find(scratch / "whole"))
    for number in range(moments):
        moment = random.uniform(0.05, 0.95) * took
        trial.run(scratch / str(number), moment)
        trial.run(scratch / str(number))
        now = describe(scratch / str(number), queries, trial.find(scratch / str(number)))
        yield f"{moment:.2f} of {took:.2f} s", _differences(expected, now)


def kill_on_the_way(
    source: Path, scratch: Path, moments: int, queries: Sequence[str]
) -> Iterator[tuple[str, list[str]]]:
    """Kill one ingest at each of ``moments``, going on after each; yield what differs at last from one that was not."""
    trial, random = Trial(source), Random(0)
    took = trial.run(scratch / "whole")
    for number in range(1, moments + 1):
        trial.run(scratch / "cut", random.uniform(0.5, 1.5) * took / (moments + 1))
        print(f"killed {number} times", flush=True)
    trial.run(scratch / "cut")
    expected, now = describe(scratch / "whole", queries), describe(scratch / "cut", queries)
    yield f"{moments} parts of {took:.0f} s", _differences(expected, now)


def _differences(expected: dict[str, Any], now: dict[str, Any]) -> list[str]:
    return [what for what in expected if now[what] != expected[what]]


def main() -> None:
    """Do it with a file, a number, and ``--on-the-way`` for one ingest instead of many, from the command line."""
    queries = ("question answering", "object detection with few labels", "graph neural networks", "privacy")
    with tempfile.TemporaryDirectory() as scratch:
        kill = kill_on_the_way if "--on-the-way" in sys.argv else kill_and_compare
        for moment, wrong in kill(Path(sys.argv[1]), Path(scratch), int(sys.argv[2]), queries):
            print(f"killed after {moment}: {', '.join(wrong) or 'equal'}", flush=True)


if __name__ == "__main__":
    main()
