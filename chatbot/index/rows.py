"""All that a vector store holds, row by row: papers with their chunks and vectors, and rows as they lie there.

Knows Chroma's collections and the ids of chunks; knows nothing of words, models or files.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from chatbot.errors import IndexBroken
from chatbot.index.entry import Entry, pack_ids
from chatbot.index.metadata import read_records
from chatbot.index.packs import Pack, Vectors, read_pack
from chatbot.index.vectors import PAGE, VectorStore
from chatbot.records import Chunk, Paper

_CHUNKS = 2000  # at a time, but for those of one paper; their vectors take about 3 MB
_PACKS = 500  # rows at a time; a full text's may have 200 kB


def read_entries(store: VectorStore, damaged: Callable[[str], IndexBroken]) -> Iterator[list[Entry]]:
    """Yield every paper with its records, chunks and vectors, in the order of storing.

    A passage's chunk has neither text nor offsets, which are not stored. Raises what ``damaged`` returns where a vector
    is missing.
    """
    for page in _pages(store.all_papers()):
        passages = _read(store.collections[0], [f"{p.id}#{n}" for p, stored in page for n in range(stored["passages"])])
        packs = store.packs({paper.id: stored for paper, stored in page})
        try:
            yield [_make_entry(paper, stored, passages, packs) for paper, stored in page]
        except KeyError as error:
            raise damaged(f"what belongs to {error} has no vector") from error


def _pages(papers: Iterator[tuple[Paper, dict[str, Any]]]) -> Iterator[list[tuple[Paper, dict[str, Any]]]]:
    """Yield ``papers`` in lists of about as many chunks each: a full text has a hundred times those of an abstract."""
    page, chunks = list[tuple[Paper, dict[str, Any]]](), 0
    for paper, stored in papers:
        page.append((paper, stored))
        chunks += stored["passages"] + stored["sentences"]
        if chunks >= _CHUNKS:
            yield page
            page, chunks = [], 0
    if page:
        yield page


def scan_passages(store: VectorStore) -> Iterator[tuple[str, Vectors, str]]:
    """Yield id, vector and paper's id of all passages."""
    collection = store.collections[0]
    for offset in range(0, collection.count(), PAGE):
        page = collection.get(limit=PAGE, offset=offset, include=["embeddings", "metadatas"])
        for key, vector, row in zip(page["ids"], page["embeddings"], page["metadatas"], strict=True):
            yield key, vector, row["paper_id"]


def scan_packs(store: VectorStore) -> Iterator[tuple[str, str]]:
    """Yield id and content of all packs of sentences."""
    collection = store.collections[1]
    for offset in range(0, collection.count(), _PACKS):
        page = collection.get(limit=_PACKS, offset=offset, include=["metadatas"])
        yield from ((key, row["sentences"]) for key, row in zip(page["ids"], page["metadatas"], strict=True))


def _read_packs(stored: Mapping[str, Any], packs: Mapping[str, str]) -> Sequence[Pack]:
    """Return the packs of the paper with the metadata ``stored``; the first begins with the first passage.

    Raises KeyError where one is missing, is of another text, has too few sentences or one without a vector.
    """
    found = [pack for key in pack_ids(stored) if (pack := read_pack(packs[key], stored["text_hash"]))]
    if sum(pack.whole for pack in found) != stored["sentences"] + 1:
        raise KeyError(stored["paper_id"])
    return found


def _read(collection: Any, ids: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for start in range(0, len(ids), PAGE):
        page = collection.get(ids=ids[start : start + PAGE], include=["embeddings"])
        found |= zip(page["ids"], page["embeddings"], strict=True)
    return found


def _make_entry(paper: Paper, stored: dict[str, Any], passages: dict[str, Any], packs: dict[str, str]) -> Entry:
    ids = [f"{paper.id}#{n}" for n in range(stored["passages"])]
    found = _read_packs(stored, packs)
    places = [place for pack in found for place in pack.places.tolist()][1:]
    entry = Entry(
        paper,
        read_records(paper, stored),
        [Chunk(each, paper.id, "", 0, 0) for each in ids],
        [make_sentence(paper, number, *place) for number, place in enumerate(places)],
    )
    sentences = np.concatenate([pack.vectors for pack in found])[1:]
    entry.vectors = np.concatenate([np.asarray([passages[each] for each in ids], np.float32), sentences])
    return entry


def make_sentence(paper: Paper, number: int, start: int, end: int) -> Chunk:
    """Return sentence ``number`` of ``paper``, which stands at ``start`` to ``end``."""
    return Chunk(f"{paper.id}#s{number}", paper.id, paper.text[start:end], start, end)
