"""Retrieval quality on a collection in BEIR layout: corpus.jsonl, queries.jsonl, qrels/test.tsv.

Knows BEIR's files and ir-measures; knows nothing of answers.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import ir_measures
from ir_measures import RR, R, nDCG

from chatbot import PaperChatbot
from chatbot.embedding import load_embedder
from chatbot.errors import InputError

MEASURES = {"nDCG@10": nDCG @ 10, "recall@10": R @ 10, "recall@100": R @ 100, "MRR": RR}
DEPTH = 100


@dataclass(frozen=True, slots=True)
class RetrievalResult:
    """Means over the queries with a relevant paper, for the whole and for two of its signals alone, and seconds."""

    papers: int
    queries: int
    measures: dict[str, dict[str, float]]
    seconds_ingest: float
    seconds_search: float


def evaluate_retrieval(folder: Path, index: Path, progress: Callable[[int], None] | None = None) -> RetrievalResult:
    """Ingest the collection in ``folder`` into ``index``, run its queries and score the first 100 papers of each.

    Scores are replaced by ranks, so that no tie is left for the measures to break. Raises InputError when a
    file of the collection is missing.
    """
    queries, qrels = read_queries(folder), read_qrels(folder)
    bot = PaperChatbot(index=index, chroma_url="")
    started = time.perf_counter()
    bot.ingest(folder, progress=progress)
    ingested = time.perf_counter()
    asked = {key: queries[key] for key in qrels if key in queries}
    found = {key: [hit.paper.id for hit in bot.search(text, top_k=DEPTH)] for key, text in asked.items()}
    searched = time.perf_counter()
    embedder = load_embedder(bot.settings)
    vectors = {key: embedder.embed_query(text) for key, text in asked.items()}
    dense = {key: _order(bot.index.nearest_passages(vector, DEPTH)) for key, vector in vectors.items()}
    words = {key: _order(bot.index.match_words(text, DEPTH)[0]) for key, text in asked.items()}
    return RetrievalResult(
        papers=len(bot),
        queries=len(asked),
        measures={name: _score(run, qrels) for name, run in (("all", found), ("dense", dense), ("BM25", words))},
        seconds_ingest=ingested - started,
        seconds_search=searched - ingested,
    )


def _order(scores: dict[str, float]) -> list[str]:
    return sorted(scores, key=lambda key: (-scores[key], key))


def _score(run: dict[str, list[str]], qrels: dict[str, dict[str, int]]) -> dict[str, float]:
    scores = ir_measures.calc_aggregate(list(MEASURES.values()), qrels, _rank(run))
    return {name: scores[measure] for name, measure in MEASURES.items()}


def score_queries(found: dict[str, list[str]], qrels: Mapping[str, Mapping[str, int]]) -> dict[str, float]:
    """Return nDCG@10 of each query from the ids found for it, best first."""
    return {one.query_id: one.value for one in ir_measures.iter_calc([nDCG @ 10], qrels, _rank(found))}


def _rank(run: dict[str, list[str]]) -> dict[str, dict[str, float]]:
    return {key: {paper: 1.0 / rank for rank, paper in enumerate(papers, 1)} for key, papers in run.items()}


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
