"""All that a vector store holds, row by row: papers with their chunks and vectors, and rows as they lie there.

Knows Chroma's collections and the ids of chunks; knows nothing of words, models or files.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy as np

from chatbot.errors import IndexBroken
from chatbot.index.vectors import PAGE, Entry, Vectors, VectorStore, read_records
from chatbot.records import Chunk, Paper

_PAPERS = 200  # at a time; their vectors take about 3 MB


def read_entries(store: VectorStore, damaged: Callable[[str], IndexBroken]) -> Iterator[list[Entry]]:
    """Yield every paper with its records, chunks and vectors, in the order of storing.

    A passage's chunk has neither text nor offsets, which are not stored. Raises what ``damaged`` returns where a vector
    is missing.
    """
    papers = store.all_papers()
    while page := list(islice(papers, _PAPERS)):
        passages = [f"{paper.id}#{n}" for paper, stored in page for n in range(stored["passages"])]
        sentences = [f"{paper.id}#s{n}" for paper, stored in page for n in range(stored["sentences"])]
        rows = [_read(each, ids) for each, ids in zip(store.collections, (passages, sentences), strict=True)]
        try:
            yield [_make_entry(paper, stored, *rows) for paper, stored in page]
        except KeyError as error:
            raise damaged(f"chunk {error} has no vector") from error


def scan_rows(collection: Any) -> Iterator[tuple[list[str], Vectors, list[dict[str, Any]]]]:
    """Yield ids, vectors and metadata of all rows of a collection, a page at a time."""
    for offset in range(0, collection.count(), PAGE):
        page = collection.get(limit=PAGE, offset=offset, include=["embeddings", "metadatas"])
        yield page["ids"], page["embeddings"], page["metadatas"]


def _read(collection: Any, ids: list[str]) -> dict[str, tuple[Any, dict[str, Any]]]:
    found: dict[str, tuple[Any, dict[str, Any]]] = {}
    for start in range(0, len(ids), PAGE):
        page = collection.get(ids=ids[start : start + PAGE], include=["embeddings", "metadatas"])
        found |= dict(zip(page["ids"], zip(page["embeddings"], page["metadatas"], strict=True), strict=True))
    return found


def _make_entry(paper: Paper, stored: dict[str, Any], passages: dict[str, Any], sentences: dict[str, Any]) -> Entry:
    passage_ids = [f"{paper.id}#{n}" for n in range(stored["passages"])]
    sentence_ids = [f"{paper.id}#s{n}" for n in range(stored["sentences"])]
    for each in sentence_ids:
        if sentences[each][1]["hash"] != stored["text_hash"]:
            raise KeyError(each)  # left over from an update that was interrupted
    entry = Entry(
        paper,
        read_records(paper, stored),
        [Chunk(each, paper.id, "", 0, 0) for each in passage_ids],
        [make_sentence(paper, n, sentences[each][1]) for n, each in enumerate(sentence_ids)],
    )
    vectors = [passages[each][0] for each in passage_ids] + [sentences[each][0] for each in sentence_ids]
    entry.vectors = np.asarray(vectors, np.float32)
    return entry


def make_sentence(paper: Paper, number: int, place: dict[str, Any]) -> Chunk:
    """Return sentence ``number`` of ``paper``, which stands at ``place["start"]`` to ``place["end"]``."""
    start, end = place["start"], place["end"]
    return Chunk(f"{paper.id}#s{number}", paper.id, paper.text[start:end], start, end)
