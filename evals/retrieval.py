"""Retrieval quality on a collection in BEIR layout: corpus.jsonl, queries.jsonl, qrels/test.tsv.

Knows BEIR's files and ir-measures; knows nothing of answers.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import ir_measures
from ir_measures import RR, R, nDCG

from chatbot import PaperChatbot
from chatbot.errors import InputError

MEASURES = {"nDCG@10": nDCG @ 10, "recall@10": R @ 10, "recall@100": R @ 100, "MRR": RR}


@dataclass(frozen=True, slots=True)
class RetrievalResult:
    """Means over the queries that have at least one relevant paper, and seconds spent."""

    papers: int
    queries: int
    measures: dict[str, float]
    seconds_ingest: float
    seconds_search: float


def evaluate_retrieval(folder: Path, index: Path, progress: Callable[[int], None] | None = None) -> RetrievalResult:
    """Ingest the collection in ``folder`` into ``index``, run its queries and score the first 100 papers of each.

    Scores are replaced by ranks, so that no tie is left for the measures to break. Raises InputError when a
    file of the collection is missing.
    """
    queries, qrels = read_queries(folder), read_qrels(folder)
    bot = PaperChatbot(index=index)
    started = time.perf_counter()
    bot.ingest(folder, progress=progress)
    ingested = time.perf_counter()
    run = {
        key: {hit.paper.id: 1.0 / hit.rank for hit in bot.search(queries[key], top_k=100)}
        for key in qrels
        if key in queries
    }
    searched = time.perf_counter()
    scores = ir_measures.calc_aggregate(list(MEASURES.values()), qrels, run)
    return RetrievalResult(
        papers=len(bot),
        queries=len(run),
        measures={name: scores[measure] for name, measure in MEASURES.items()},
        seconds_ingest=ingested - started,
        seconds_search=searched - ingested,
    )


def read_queries(folder: Path) -> dict[str, str]:
    """Return the text of each query by id."""
    return {record["_id"]: record["text"] for record in map(json.loads, _lines(folder / "queries.jsonl"))}


def read_qrels(folder: Path) -> dict[str, dict[str, int]]:
    """Return grades by query and paper, only for queries with at least one relevant paper."""
    qrels: dict[str, dict[str, int]] = {}
    for line in _lines(folder / "qrels" / "test.tsv")[1:]:
        query, paper, grade = line.split("\t")
        qrels.setdefault(query, {})[paper] = int(grade)
    return {query: grades for query, grades in qrels.items() if max(grades.values()) > 0}


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); --beir takes a folder in BEIR layout") from error
