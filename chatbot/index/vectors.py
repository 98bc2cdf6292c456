"""The vector side of the index, and its source of truth: papers, passages and sentences in Chroma.

Knows chunks, vectors and papers; knows nothing of models or words. A paper counts as stored once its first
passage is: that record holds the paper itself and a hash of its text, which says which of its sentences are meant
while an update is on its way.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any, TypeVar

import numpy as np

from chatbot.index.entry import ABSTRACT, Entry, pack_ids
from chatbot.index.metadata import hash_text, ids_there, make_metadata, read_paper, read_records
from chatbot.index.packs import Pack, Vectors, read_newest, read_pack
from chatbot.records import Paper, Record, Span

Row = TypeVar("Row")

FEW = 1500  # chunks of which it is quicker to compare each than to walk the graph past all others
# Chunks in all of which each is compared: after an update, no way in Chroma's graph may lead to some other passage any
# more (chroma-core/chroma#7758). Of 59 that was one in 60 to 20 times; of 5,000, one passage after hundreds of updates.
FEW_STORED = 200
BODY_SENTENCES, BODIES_SENTENCES = 12, 60  # of a full text, and of all together, that are read for one question
PAGE = 2000  # records a call; Chroma refuses more than 5461
_IDS = 50_000  # a call that wants nothing else
_HNSW: Any = {"space": "cosine", "ef_construction": 100, "max_neighbors": 16, "ef_search": 200}
# Nobody searches among packs of sentences; Chroma wants a vector of each all the same, and gets one number.
_NO_GRAPH: Any = {"space": "l2", "ef_construction": 2, "max_neighbors": 2, "ef_search": 1}
_NO_VECTOR = [1.0]


class VectorStore:
    """Two collections of a Chroma client: ``passages`` (``paper#0``, …), and ``sentences``, a pack of them a row.

    ``paper#s0`` are the first passage and the abstract's sentences, ``paper#s1`` the body's. Their names begin with
    ``prefix``; without ``make`` they have to be there. What is written is stamped with ``generation``.
    """

    def __init__(self, client: Any, prefix: str = "", make: bool = True) -> None:
        self.generation = 0

        def open_one(name: str, graph: Any) -> Any:
            if make:
                more = {"configuration": {"hnsw": graph}}
                return client.get_or_create_collection(f"{prefix}{name}", embedding_function=None, **more)
            return client.get_collection(f"{prefix}{name}", embedding_function=None)

        self._passages = open_one("passages", _HNSW)
        self._sentences = open_one("sentences", _NO_GRAPH)

    def __len__(self) -> int:
        """Return how many passages are stored."""
        stored: int = self._passages.count()
        return stored

    @property
    def collections(self) -> tuple[Any, Any]:
        """Return Chroma's own collections, of passages and of sentences, for what goes through all rows."""
        return self._passages, self._sentences

    def write(self, entries: Sequence[Entry]) -> None:
        """Store papers with their vectors; each is complete once this returns, old or new before that."""
        old = self.metadata([entry.paper.id for entry in entries])
        updated = [entry for entry in entries if entry.paper.id in old]
        self._write_packs(entries, older=self.packs(old))
        self._write_passages(entries)
        self._write_packs(updated, older={})
        for entry in updated:
            self._drop_surplus(entry, old[entry.paper.id])

    def _write_packs(self, entries: Sequence[Entry], older: Mapping[str, str]) -> None:
        for page in _pages([row for entry in entries for row in entry.packs(older)]):
            ids, packs = zip(*page, strict=True)
            metadatas = [{"sentences": pack} for pack in packs]
            self._sentences.upsert(ids=list(ids), embeddings=[_NO_VECTOR] * len(ids), metadatas=metadatas)

    def _write_passages(self, entries: Sequence[Entry]) -> None:
        for page in _pages([row for entry in entries for row in entry.passage_rows(self.generation)]):
            ids, vectors, documents, metadatas = zip(*page, strict=True)
            self._passages.upsert(
                ids=list(ids), embeddings=np.stack(vectors), documents=list(documents), metadatas=list(metadatas)
            )

    def _drop_surplus(self, entry: Entry, previous: dict[str, Any]) -> None:
        surplus = [f"{entry.paper.id}#{n}" for n in range(len(entry.passages), previous["passages"])]
        delete_rows(self._passages, surplus)
        kept = pack_ids({"paper_id": entry.paper.id} | entry.counts)
        delete_rows(self._sentences, [key for key in pack_ids(previous) if key not in kept])

    def update_metadata(self, paper: Paper, records: Sequence[Record], previous: dict[str, Any]) -> None:
        """Store new authors, venue, year, addresses or records of a paper whose text is unchanged."""
        kept = {key: previous[key] for key in ("passages", "sentences")} | {"generation": self.generation}
        self._passages.update(ids=[f"{paper.id}#0"], metadatas=[make_metadata(paper, records) | kept])

    def remove(self, paper_ids: Sequence[str]) -> None:
        """Remove papers with all their chunks."""
        for paper_id, stored in self.metadata(paper_ids).items():
            delete_rows(self._passages, [f"{paper_id}#{n}" for n in range(stored["passages"])])
            delete_rows(self._sentences, pack_ids(stored))

    def metadata(self, paper_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return what is stored about each paper, by id; papers that are not there are left out."""
        found: dict[str, dict[str, Any]] = {}
        for page in _pages([f"{paper_id}#0" for paper_id in paper_ids]):
            for stored in self._passages.get(ids=page, include=["metadatas"])["metadatas"]:
                found[stored["paper_id"]] = dict(stored)
        return found

    def papers(self, paper_ids: Sequence[str]) -> dict[str, Paper]:
        """Return papers by id; those that are not there are left out."""
        return {stored["paper_id"]: read_paper(text, stored) for text, stored in self._first_passages(paper_ids)}

    def _first_passages(self, paper_ids: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        for page in _pages([f"{paper_id}#0" for paper_id in paper_ids]):
            result = self._passages.get(ids=page, include=["metadatas", "documents"])
            yield from zip(result["documents"], result["metadatas"], strict=True)

    def records(self, paper_ids: Sequence[str]) -> dict[str, tuple[Paper, list[Record]]]:
        """Return papers by id, each with the records that it is made of."""
        papers = ((read_paper(text, stored), stored) for text, stored in self._first_passages(paper_ids))
        return {paper.id: (paper, read_records(paper, stored)) for paper, stored in papers}

    def all_papers(self, since: int = -1) -> Iterator[tuple[Paper, dict[str, Any]]]:
        """Yield every paper with what is stored about it, in the order of storing; only those stored ``since`` then."""
        where: Any = {"n": 0} if since < 0 else _stored_since(since)
        for page in self._matching(where, ["metadatas", "documents"]):
            for text, stored in zip(page["documents"], page["metadatas"], strict=True):
                yield read_paper(text, stored), dict(stored)

    def _matching(self, where: Any, include: Sequence[str]) -> Iterator[Any]:
        for offset in count(0, PAGE):
            page = self._passages.get(where=where, limit=PAGE, offset=offset, include=include)
            yield page
            if len(page["ids"]) < PAGE:
                return

    def paper_ids(self, since: int = -1) -> set[str]:
        """Return the ids of all papers; only of those stored ``since`` then."""
        all_pages = (self._passages.get(limit=_IDS, offset=at, include=[]) for at in range(0, len(self), _IDS))
        pages = all_pages if since < 0 else self._matching(_stored_since(since), [])
        found = (chunk_id for page in pages for chunk_id in page["ids"])
        return {chunk_id.removesuffix("#0") for chunk_id in found if chunk_id.endswith("#0")}

    def ids_of_source(self, source: str) -> dict[str, tuple[str, ...]]:
        """Return the ids that the records of ``source`` have there, of each paper that is not just one such record."""
        where = {"$and": [{"sources": {"$contains": source}}, {"records": {"$ne": ""}}]}
        pages = self._matching(where, ["metadatas"])
        return {stored["paper_id"]: ids_there(stored, source) for page in pages for stored in page["metadatas"]}

    def nearest_passages(
        self, vector: Vectors, limit: int, among: Sequence[str] | None, stored: int
    ) -> dict[str, float]:
        """Return the cosine of each paper's nearest passage, for the ``limit`` passages nearest to ``vector``.

        With ``among``, the ids of passages, only those are looked at; without, it counts how many are ``stored``, as
        far as the caller knows: a write may be on its way.
        """
        few = self._fetch_few(among, stored)
        if few is not None:
            nearest = _compare(vector, few)[:limit]
        else:
            ids = None if among is None else list(among)
            result = self._passages.query(query_embeddings=[vector], ids=ids, n_results=limit, include=["distances"])
            nearest = [(key, 1.0 - far) for key, far in zip(result["ids"][0], result["distances"][0], strict=True)]
        best: dict[str, float] = {}
        for chunk_id, cosine in nearest:
            best.setdefault(_paper_of(chunk_id), cosine)
        return best

    def _fetch_few(self, among: Sequence[str] | None, stored: int) -> list[Any] | None:
        """Return the rows of vectors that are so few that each is compared; None where they are more."""
        if among is not None:
            if len(among) > FEW:
                return None
            return [self._passages.get(ids=page, include=["embeddings"]) for page in _pages(among)]
        rows = self._passages.get(limit=FEW_STORED + 1, include=["embeddings"]) if stored <= FEW_STORED else None
        return [rows] if rows and len(rows["ids"]) <= FEW_STORED else None

    def abstract_vectors(self, paper_ids: Sequence[str]) -> dict[str, Vectors]:
        """Return by paper id the vectors of its first passage and of each sentence of its abstract, in this order."""
        packs = self.abstract_packs(paper_ids)
        return dict(zip(packs, read_newest(list(packs.values())), strict=True))

    def abstract_packs(self, paper_ids: Sequence[str]) -> dict[str, str]:
        """Return by paper id the pack of its first passage and its abstract's sentences."""
        packs = self._read_packs([f"{paper_id}#{ABSTRACT}" for paper_id in paper_ids])
        return {_paper_of(key): pack for key, pack in packs.items()}

    def spans(self, papers: Sequence[Paper], vector: Vectors | None = None) -> dict[str, list[Span]]:
        """Return the sentences of each paper, in order, with their vectors.

        Of a full text these are the abstract's, and the few that are nearest to ``vector``. A paper whose text is no
        longer the stored one has none.
        """
        stored = self.metadata([paper.id for paper in papers])
        found = {paper.id: list[Span]() for paper in papers}
        texts = {paper.id: paper.text for paper in papers}
        digests = {paper.id: hash_text(paper) for paper in papers}
        bodies = list[tuple[float, str, Span]]()
        for key, packed in self.packs(stored, bodies=vector is not None).items():
            paper_id = _paper_of(key)
            pack = read_pack(packed, digests[paper_id])
            if pack and key.endswith(ABSTRACT):
                found[paper_id] += list(_make_spans(texts[paper_id], pack))[1:]
            elif pack and vector is not None:
                cosines = pack.vectors @ vector
                best = np.argsort(-cosines, kind="stable")[:BODY_SENTENCES]
                spans = _make_spans(texts[paper_id], Pack(pack.places[best], pack.vectors[best]))
                bodies += [(cosine, paper_id, span) for cosine, span in zip(cosines[best].tolist(), spans, strict=True)]
        for _, paper_id, span in sorted(bodies, key=lambda each: -each[0])[:BODIES_SENTENCES]:
            found[paper_id].append(span)
        return {paper_id: sorted(spans, key=lambda span: span.start) for paper_id, spans in found.items()}

    def packs(self, stored: Mapping[str, dict[str, Any]], bodies: bool = True) -> dict[str, str]:
        """Return the packs of the papers with the metadata ``stored``, by their ids; those not there are left out."""
        ids = [key for each in stored.values() for key in pack_ids(each) if bodies or key.endswith(ABSTRACT)]
        return self._read_packs(ids)

    def _read_packs(self, ids: Sequence[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for page in _pages(ids):
            result = self._sentences.get(ids=page, include=["metadatas"])
            found |= {key: row["sentences"] for key, row in zip(result["ids"], result["metadatas"], strict=True)}
        return found


def _stored_since(generation: int) -> Any:
    return {"generation": {"$gt": generation}}  # which only first passages have


def _make_spans(text: str, pack: Pack) -> Iterator[Span]:
    for (start, end), vector in zip(pack.places.tolist(), pack.vectors, strict=True):
        yield Span(start, end, text[start:end], vector)


def _compare(vector: Vectors, pages: Iterable[Any]) -> list[tuple[str, float]]:
    found = list[tuple[str, float]]()
    for rows in pages:
        vectors = np.reshape(rows["embeddings"], (-1, len(vector)))  # of no ids, Chroma returns shape (0,)
        found += zip(rows["ids"], (vectors @ vector).tolist(), strict=True)
    return sorted(found, key=lambda each: -each[1])


def _paper_of(chunk_id: str) -> str:
    return chunk_id.rpartition("#")[0]


def _pages(rows: Sequence[Row]) -> Iterable[Sequence[Row]]:
    return (rows[start : start + PAGE] for start in range(0, len(rows), PAGE))


def delete_rows(collection: Any, ids: list[str]) -> None:
    """Delete the rows with ``ids``, as many at a time as Chroma takes."""
    for page in _pages(ids):
        collection.delete(ids=page)
