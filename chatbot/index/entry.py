"""One paper as it goes into a vector store and comes out of it: its chunks, their vectors, and the rows they make.

Knows papers, chunks and packs; knows nothing of Chroma or of models.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from chatbot.index.metadata import hash_text, make_metadata
from chatbot.index.packs import Vectors, write_pack
from chatbot.records import Chunk, Paper, Record, Whole

ABSTRACT, BODY = "s0", "s1"  # which sentences a pack holds, at the end of its id


class Entry:
    """One paper on its way into the store: its chunks first, then their ``vectors``, passages' before sentences'."""

    def __init__(self, paper: Paper, records: Sequence[Record], passages: list[Chunk], sentences: list[Chunk]) -> None:
        self.paper, self.records, self.passages, self.sentences = paper, records, passages, sentences
        self.vectors: Vectors = np.zeros((0, 0), np.float32)

    @property
    def to_embed(self) -> list[Whole]:
        """Return the passages, each with the sentences that stand in it."""
        return [Whole(each.text, tuple(_places(each, self._in(each)))) for each in self.passages]

    def take(self, embedded: Vectors) -> None:
        """Take the vectors of ``to_embed``, each passage's before its sentences'."""
        self.vectors = np.empty_like(embedded)
        self.vectors[self.order] = embedded

    @property
    def order(self) -> list[int]:
        """Return where in ``vectors`` those of ``to_embed`` stand."""
        order, at = list[int](), len(self.passages)
        for number, passage in enumerate(self.passages):
            own = len(self._in(passage))
            order += [number, *range(at, at + own)]
            at += own
        return order

    def _in(self, passage: Chunk) -> list[Chunk]:
        return [each for each in self.sentences if passage.start <= each.start < passage.end]

    def passage_rows(self, generation: int) -> list[tuple[str, Vectors, str, dict[str, Any]]]:
        """Return id, vector, document and metadata of each passage; the first carries the paper."""
        more = self.counts | {"generation": generation}
        rows = []
        for number, (chunk, vector) in enumerate(zip(self.passages, self.vectors, strict=False)):
            extra = make_metadata(self.paper, self.records) | more if number == 0 else {"paper_id": self.paper.id}
            rows.append((chunk.id, vector, "" if number else self.paper.text, extra | {"n": number}))
        return rows

    def packs(self, older: Mapping[str, str]) -> list[tuple[str, str]]:
        """Return id and pack of the first passage and the abstract's sentences, and of the body's if there are any."""
        digest, places = hash_text(self.paper), [(chunk.start, chunk.end) for chunk in self.sentences]
        sentences, cut = self.vectors[len(self.passages) :], self.counts["in_abstract"]
        parts = [(ABSTRACT, [(0, 0), *places[:cut]], np.concatenate([self.vectors[:1], sentences[:cut]]))]
        if places[cut:]:
            parts.append((BODY, places[cut:], sentences[cut:]))
        named = [(f"{self.paper.id}#{part}", where, vectors) for part, where, vectors in parts]
        return [(key, write_pack(digest, where, vectors, older.get(key, ""))) for key, where, vectors in named]

    @property
    def counts(self) -> dict[str, int]:
        """Return how many passages and sentences there are, and how many of these are the abstract's."""
        in_abstract = sum(chunk.start < self.paper.body_start for chunk in self.sentences)
        return {"passages": len(self.passages), "sentences": len(self.sentences), "in_abstract": in_abstract}


def pack_ids(stored: Mapping[str, Any]) -> list[str]:
    """Return the ids of the packs of the paper with the metadata ``stored``."""
    parts = [ABSTRACT, BODY] if stored["in_abstract"] < stored["sentences"] else [ABSTRACT]
    return [f"{stored['paper_id']}#{part}" for part in parts]


def _places(passage: Chunk, sentences: Iterable[Chunk]) -> Iterator[tuple[int, int]]:
    before = len(passage.text) - passage.end  # the title is in front
    return ((each.start + before, each.end + before) for each in sentences)
