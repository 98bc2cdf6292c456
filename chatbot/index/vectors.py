"""The vector side of the index, and its source of truth: papers, passages and sentences in Chroma.

Knows chunks, vectors and papers; knows nothing of models or words. A paper counts as stored once its first
passage is: that record holds the paper itself and a hash of its text, and sentences with another hash are
left-overs of an interrupted update that are never shown.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import count
from typing import Any

import numpy as np
import numpy.typing as npt

from chatbot.index.metadata import count_abstract, hash_text, ids_there, make_metadata, read_paper, read_records
from chatbot.records import Chunk, Paper, Record, Span

Vectors = npt.NDArray[np.float32]

FEW = 1500  # chunks of which it is quicker to compare each than to walk the graph past all others
BODY_SENTENCES, BODIES_SENTENCES = 12, 60  # of a full text, and of all together, that are read for one question
PAGE = 2000  # records a call; Chroma refuses more than 5461
_IDS = 50_000  # a call that wants nothing else
_HNSW: Any = {"space": "cosine", "ef_construction": 100, "max_neighbors": 16, "ef_search": 200}


class VectorStore:
    """Two collections of a Chroma client: ``passages`` (``paper#0``, …) and ``sentences`` (``paper#s0``, …).

    Their names begin with ``prefix``; without ``make`` they have to be there. What is written is stamped with
    ``generation``.
    """

    def __init__(self, client: Any, prefix: str = "", make: bool = True) -> None:
        self.generation = 0
        if make:
            open_one = partial(client.get_or_create_collection, configuration={"hnsw": _HNSW})
        else:
            open_one = client.get_collection
        self._passages = open_one(f"{prefix}passages", embedding_function=None)
        self._sentences = open_one(f"{prefix}sentences", embedding_function=None)

    def __len__(self) -> int:
        """Return how many passages are stored."""
        stored: int = self._passages.count()
        return stored

    @property
    def collections(self) -> tuple[Any, Any]:
        """Return Chroma's own collections, of passages and of sentences, for what goes through all rows."""
        return self._passages, self._sentences

    def write(self, entries: Sequence["Entry"]) -> None:
        """Store papers with their vectors; each is complete once this returns, old or new before that."""
        old = self.metadata([entry.paper.id for entry in entries])
        self._upsert(self._sentences, [row for entry in entries for row in entry.sentence_rows()])
        self._upsert(self._passages, [row for entry in entries for row in entry.passage_rows(self.generation)])
        for entry in entries:
            if previous := old.get(entry.paper.id):
                self._drop_surplus(entry, previous)

    def _upsert(self, collection: Any, rows: list[tuple[str, npt.NDArray[np.float32], str, dict[str, Any]]]) -> None:
        for start in range(0, len(rows), PAGE):
            ids, vectors, documents, metadatas = zip(*rows[start : start + PAGE], strict=True)
            collection.upsert(
                ids=list(ids),
                embeddings=np.stack(vectors),
                documents=list(documents) if any(documents) else None,
                metadatas=list(metadatas),
            )

    def _drop_surplus(self, entry: "Entry", previous: dict[str, Any]) -> None:
        surplus = [f"{entry.paper.id}#s{n}" for n in range(len(entry.sentences), previous["sentences"])]
        _delete(self._sentences, surplus)
        surplus = [f"{entry.paper.id}#{n}" for n in range(len(entry.passages), previous["passages"])]
        _delete(self._passages, surplus)

    def update_metadata(self, paper: Paper, records: Sequence[Record], previous: dict[str, Any]) -> None:
        """Store new authors, venue, year, addresses or records of a paper whose text is unchanged."""
        kept = {key: previous[key] for key in ("passages", "sentences")} | {"generation": self.generation}
        self._passages.update(ids=[f"{paper.id}#0"], metadatas=[make_metadata(paper, records) | kept])

    def remove(self, paper_ids: Sequence[str]) -> None:
        """Remove papers with all their chunks."""
        for paper_id, stored in self.metadata(paper_ids).items():
            _delete(self._passages, [f"{paper_id}#{n}" for n in range(stored["passages"])])
            _delete(self._sentences, [f"{paper_id}#s{n}" for n in range(stored["sentences"])])

    def metadata(self, paper_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return what is stored about each paper, by id; papers that are not there are left out."""
        found: dict[str, dict[str, Any]] = {}
        for page in _pages([f"{paper_id}#0" for paper_id in paper_ids]):
            for stored in self._passages.get(ids=page, include=["metadatas"])["metadatas"]:
                found[stored["paper_id"]] = dict(stored)
        return found

    def papers(self, paper_ids: Sequence[str]) -> dict[str, Paper]:
        """Return papers by id; those that are not there are left out."""
        found: dict[str, Paper] = {}
        for page in _pages([f"{paper_id}#0" for paper_id in paper_ids]):
            result = self._passages.get(ids=page, include=["metadatas", "documents"])
            for text, stored in zip(result["documents"], result["metadatas"], strict=True):
                found[stored["paper_id"]] = read_paper(text, stored)
        return found

    def records(self, paper_ids: Sequence[str]) -> dict[str, tuple[Paper, list[Record]]]:
        """Return papers by id, each with the records that it is made of."""
        stored = self.metadata(paper_ids)
        return {key: (paper, read_records(paper, stored[key])) for key, paper in self.papers(list(stored)).items()}

    def all_papers(self, since: int = -1) -> Iterator[tuple[Paper, dict[str, Any]]]:
        """Yield every paper with what is stored about it, in the order of storing; only those stored ``since`` then."""
        where: Any = {"n": 0} if since < 0 else {"generation": {"$gt": since}}  # which only first passages have
        for page in self._matching(where, ["metadatas", "documents"]):
            for text, stored in zip(page["documents"], page["metadatas"], strict=True):
                yield read_paper(text, stored), dict(stored)

    def _matching(self, where: Any, include: Sequence[str]) -> Iterator[Any]:
        for offset in count(0, PAGE):
            page = self._passages.get(where=where, limit=PAGE, offset=offset, include=include)
            yield page
            if len(page["ids"]) < PAGE:
                return

    def paper_ids(self) -> set[str]:
        """Return the ids of all papers."""
        pages = (self._passages.get(limit=_IDS, offset=at, include=[])["ids"] for at in range(0, len(self), _IDS))
        return {chunk_id.removesuffix("#0") for page in pages for chunk_id in page if chunk_id.endswith("#0")}

    def ids_of_source(self, source: str) -> dict[str, tuple[str, ...]]:
        """Return the ids of the papers that came from ``source``, each with the ids that its records have there."""
        pages = self._matching({"sources": {"$contains": source}}, ["metadatas"])
        return {stored["paper_id"]: ids_there(stored, source) for page in pages for stored in page["metadatas"]}

    def nearest_passages(self, vector: Vectors, limit: int, among: Sequence[str] | None = None) -> dict[str, float]:
        """Return the cosine of each paper's nearest passage, for the ``limit`` passages nearest to ``vector``.

        With ``among``, the ids of passages, only those are looked at.
        """
        return self._nearest(self._passages, vector, limit, among)

    def nearest_sentences(self, vector: Vectors, limit: int, among: Sequence[str] | None = None) -> dict[str, float]:
        """Return the cosine of each paper's nearest sentence, for the ``limit`` sentences nearest to ``vector``.

        With ``among``, the ids of sentences, only those are looked at.
        """
        return self._nearest(self._sentences, vector, limit, among)

    def _nearest(self, collection: Any, vector: Vectors, limit: int, among: Sequence[str] | None) -> dict[str, float]:
        if among is not None and len(among) <= FEW:
            nearest = _compare_each(collection, vector, among)[:limit]
        else:
            ids = None if among is None else list(among)
            result = collection.query(query_embeddings=[vector], ids=ids, n_results=limit, include=["distances"])
            nearest = [(key, 1.0 - far) for key, far in zip(result["ids"][0], result["distances"][0], strict=True)]
        best: dict[str, float] = {}
        for chunk_id, cosine in nearest:
            best.setdefault(chunk_id.rpartition("#")[0], cosine)
        return best

    def passage_vectors(self, paper_ids: Sequence[str]) -> dict[str, npt.NDArray[np.float32]]:
        """Return the vector of each paper's first passage, by paper id."""
        found: dict[str, npt.NDArray[np.float32]] = {}
        for page in _pages([f"{paper_id}#0" for paper_id in paper_ids]):
            result = self._passages.get(ids=page, include=["embeddings"])
            for chunk_id, vector in zip(result["ids"], result["embeddings"], strict=True):
                found[chunk_id.rpartition("#")[0]] = vector
        return found

    def spans(self, papers: Sequence[Paper], vector: Vectors | None = None) -> dict[str, list[Span]]:
        """Return the sentences of each paper, in order, with their vectors.

        Of a full text these are the abstract's, and the few that are nearest to ``vector``.
        """
        stored = self.metadata([paper.id for paper in papers])
        ids = [f"{key}#s{n}" for key, record in stored.items() for n in range(count_abstract(record))]
        if vector is not None:
            ids += self._nearest_in_bodies(stored.values(), vector)
        found: dict[str, list[Span]] = {paper.id: [] for paper in papers}
        texts = {paper.id: paper.text for paper in papers}
        for page in _pages(ids):
            result = self._sentences.get(ids=page, include=["embeddings", "metadatas"])
            for near, sentence in zip(result["embeddings"], result["metadatas"], strict=True):
                paper_id, start, end = sentence["paper_id"], sentence["start"], sentence["end"]
                if sentence["hash"] == stored[paper_id]["text_hash"]:
                    found[paper_id].append(Span(start, end, texts[paper_id][start:end], near))
        return {paper_id: sorted(spans, key=lambda span: span.start) for paper_id, spans in found.items()}

    def _nearest_in_bodies(self, stored: Iterable[dict[str, Any]], vector: Vectors) -> list[str]:
        nearest = list[tuple[str, float]]()
        for record in stored:
            body = [f"{record['paper_id']}#s{n}" for n in range(count_abstract(record), record["sentences"])]
            nearest += _compare_each(self._sentences, vector, body)[:BODY_SENTENCES]
        return [key for key, _ in sorted(nearest, key=lambda each: -each[1])[:BODIES_SENTENCES]]


class Entry:
    """One paper on its way into the store: its chunks first, then their vectors."""

    def __init__(self, paper: Paper, records: Sequence[Record], passages: list[Chunk], sentences: list[Chunk]) -> None:
        self.paper, self.records, self.passages, self.sentences = paper, records, passages, sentences
        self.vectors: Vectors = np.zeros((0, 0), np.float32)

    @property
    def texts(self) -> list[str]:
        """Return the texts to embed: passages first, then sentences."""
        return [chunk.text for chunk in self.passages + self.sentences]

    def passage_rows(self, generation: int) -> list[tuple[str, npt.NDArray[np.float32], str, dict[str, Any]]]:
        """Return id, vector, document and metadata of each passage; the first carries the paper."""
        in_abstract = sum(chunk.start < self.paper.body_start for chunk in self.sentences)
        more = {"passages": len(self.passages), "sentences": len(self.sentences), "in_abstract": in_abstract}
        more["generation"] = generation
        rows = []
        for number, (chunk, vector) in enumerate(zip(self.passages, self.vectors, strict=False)):
            extra = make_metadata(self.paper, self.records) | more if number == 0 else {"paper_id": self.paper.id}
            rows.append((chunk.id, vector, "" if number else self.paper.text, extra | {"n": number}))
        return rows

    def sentence_rows(self) -> list[tuple[str, npt.NDArray[np.float32], str, dict[str, Any]]]:
        """Return id, vector, no document, and metadata of each sentence."""
        digest = hash_text(self.paper)
        return [
            (chunk.id, vector, "", {"paper_id": chunk.paper_id, "start": chunk.start, "end": chunk.end, "hash": digest})
            for chunk, vector in zip(self.sentences, self.vectors[len(self.passages) :], strict=True)
        ]


def _compare_each(collection: Any, vector: npt.NDArray[np.float32], ids: Sequence[str]) -> list[tuple[str, float]]:
    found = list[tuple[str, float]]()
    for page in _pages(ids):
        result = collection.get(ids=page, include=["embeddings"])
        found += zip(result["ids"], (result["embeddings"] @ vector).tolist(), strict=True)
    return sorted(found, key=lambda each: -each[1])


def _pages(ids: Sequence[str]) -> Iterable[list[str]]:
    return (list(ids[start : start + PAGE]) for start in range(0, len(ids), PAGE))


def _delete(collection: Any, ids: list[str]) -> None:
    for page in _pages(ids):
        collection.delete(ids=page)
