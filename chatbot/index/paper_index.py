"""The index as the rest of the program sees it: one writer at a time, any number of readers, self-healing.

Knows the two stores, the manifest and the lock; knows nothing of models, questions or answers.
"""

import hashlib
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from chatbot.errors import IndexBroken, IndexBusy
from chatbot.identity import identity_keys
from chatbot.index.catalogue import load_catalogue
from chatbot.index.disk import damaged, guard, remove_path, write_lock
from chatbot.index.lexical import LexicalIndex
from chatbot.index.manifest import Manifest, load_manifest, verify_manifest
from chatbot.index.rows import read_entries
from chatbot.index.scope import Condition, Scope
from chatbot.index.vectors import Entry, VectorStore, forget_stores, read_records
from chatbot.records import Listed, Paper, Record, Span

_LEXICAL_GENERATION = "generation"
_MOST_SCOPES = 32  # kept; of 20,000 papers, one takes about 20 MB


class PaperIndex:
    """Papers with their vectors and words in ``folder``. Opening never changes what is indexed.

    Raises IndexMissing, IndexMismatch or IndexBroken; any method may raise IndexBroken.
    """

    def __init__(self, folder: Path, embedding: str) -> None:
        self.folder = folder
        self._embedding = embedding
        self._listed: tuple[int, tuple[Listed, ...]] = (-1, ())  # of which generation, and what
        # Threads that read a write of this process or another's do so one at a time.
        self._listing, self._turn = threading.Lock(), threading.Lock()
        self._scopes: dict[tuple[int, Condition], Scope] = {}
        self.manifest = load_manifest(folder)
        verify_manifest(self.manifest, folder, embedding)
        with guard(folder):
            self._open_stores()
            self._heal()

    @classmethod
    def create(cls, folder: Path, embedding: str) -> "PaperIndex":
        """Open the index in ``folder``, making an empty one where there is none."""
        if not (folder / "manifest.json").exists():
            with guard(folder), write_lock(folder):
                if not (folder / "manifest.json").exists():
                    Manifest(embedding=embedding).save(folder)
        return cls(folder, embedding)

    def _open_stores(self) -> None:
        store = self.folder / self.manifest.store
        self._vectors = VectorStore(store / "chroma")
        if not self.manifest.writing and len(self._vectors) != self.manifest.passages:
            raise damaged(self.folder, f"{len(self._vectors)} of {self.manifest.passages} passages are there")
        try:
            self._lexical = LexicalIndex(store / "lexical")
        except (OSError, ValueError):  # it is derived, so a damaged one is made anew
            remove_path(store / "lexical")
            self._lexical = LexicalIndex(store / "lexical")

    @classmethod
    @contextmanager
    def rebuild(cls, folder: Path, embedding: str) -> Iterator[tuple[Iterator[tuple[Paper, list[Record]]], "Writer"]]:
        """Yield the stored papers with their records, and a Writer that makes their new index.

        The old one, whatever model or manifest it has, stays in use until the block ends without an error.
        Raises IndexBusy, or IndexBroken when the old one cannot be read.
        """
        with guard(folder), write_lock(folder):
            try:
                old = load_manifest(folder)
            except IndexBroken:
                old = Manifest(embedding, store=max((path.name for path in folder.glob("store-*")), default="store-0"))
            fresh = Manifest(embedding, generation=old.generation + 1, store=f"store-{old.generation + 1}")
            store = folder / fresh.store
            remove_path(store)
            lexical, vectors = LexicalIndex(store / "lexical"), VectorStore(store / "chroma")
            try:
                yield _stored_papers(folder / old.store), Writer(vectors, lexical)
            except BaseException:
                remove_path(store)
                raise
            lexical.commit()
            describe(fresh, vectors)
            (store / "lexical" / _LEXICAL_GENERATION).write_text(str(fresh.generation))
            fresh.save(folder)
            forget_stores()
            remove_path(folder / old.store)

    # -- reading ---------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        """Return the number of papers."""
        return self.manifest.papers

    def refresh(self) -> None:
        """Reopen the stores when another process has finished a write since."""
        with self._turn:
            current = load_manifest(self.folder)
            if current.generation == self.manifest.generation:
                return
            verify_manifest(current, self.folder, self._embedding)
            with guard(self.folder):
                forget_stores()
                self.manifest = current
                self._open_stores()

    def listed(self) -> tuple[Listed, ...]:
        """Return all papers without their abstracts, in the order of storing."""
        with self._listing:
            generation, listed = self._listed
            if generation != self.manifest.generation:
                generation = self.manifest.generation
                with guard(self.folder):
                    listed = load_catalogue(self.folder / self.manifest.store, generation, self._vectors.all_papers())
                self._listed = generation, listed
            return listed

    def within(self, condition: Condition) -> Scope:
        """Return the part of the index that holds the papers which ``condition`` matches."""
        key = self.manifest.generation, condition
        if (scope := self._scopes.get(key)) is None:
            if len(self._scopes) >= _MOST_SCOPES:
                self._scopes = {}
            scope = Scope(self, [each for each in self.listed() if condition.matches(each.paper, each.sources)])
            self._scopes[key] = scope
        return scope

    def nearest_passages(
        self, vector: npt.NDArray[np.float32], limit: int, among: Sequence[str] | None = None
    ) -> dict[str, float]:
        """Return cosines by paper id; see VectorStore."""
        with guard(self.folder):
            return self._vectors.nearest_passages(vector, limit, among)

    def nearest_sentences(
        self, vector: npt.NDArray[np.float32], limit: int, among: Sequence[str] | None = None
    ) -> dict[str, float]:
        """Return cosines by paper id; see VectorStore."""
        with guard(self.folder):
            return self._vectors.nearest_sentences(vector, limit, among)

    def passage_vectors(self, paper_ids: Sequence[str]) -> dict[str, npt.NDArray[np.float32]]:
        """Return first-passage vectors by paper id."""
        with guard(self.folder):
            return self._vectors.passage_vectors(paper_ids)

    def match_words(
        self, query: str, limit: int, among: Collection[str] | None = None
    ) -> tuple[dict[str, float], dict[str, float]]:
        """Return BM25 scores by paper id, for words and for pairs of words; see LexicalIndex."""
        with guard(self.folder):
            return self._lexical.search(query, limit, among)

    def document_frequency(self, text: str, among: Collection[str] | None = None) -> dict[str, int]:
        """Return in how many papers each stemmed word of ``text`` occurs; see LexicalIndex."""
        with guard(self.folder):
            return self._lexical.document_frequency(text, among)

    def papers(self, paper_ids: Sequence[str]) -> dict[str, Paper]:
        """Return papers by id; those that are not there are left out."""
        with guard(self.folder):
            return self._vectors.papers(paper_ids)

    def all_papers(self) -> Iterator[Paper]:
        """Yield every paper."""
        with guard(self.folder):
            for paper, _ in self._vectors.all_papers():
                yield paper

    def entries(self) -> Iterator[list[Entry]]:
        """Yield every paper with its records, chunks and vectors, a few hundred at a time; see ``read_entries``.

        Nobody may write until the last one is out. Raises IndexBusy when another process has just written or does.
        """
        with guard(self.folder), write_lock(self.folder):
            if load_manifest(self.folder).generation != self.manifest.generation:
                raise IndexBusy(f"another process has just written to {self.folder}; try again")
            yield from read_entries(self.folder, self._vectors)

    def spans(self, papers: Sequence[Paper]) -> dict[str, list[Span]]:
        """Return the sentences of each paper, in order, with their vectors."""
        with guard(self.folder):
            return self._vectors.spans(papers)

    # -- writing ---------------------------------------------------------------------------------------------

    @contextmanager
    def write(self) -> Iterator["Writer"]:
        """Hold the write lock and yield a Writer; whatever it acknowledged is kept even if the block raises.

        Raises IndexBusy when another process is writing.
        """
        with guard(self.folder), write_lock(self.folder):
            self.refresh()
            self.manifest.writing = True
            self.manifest.save(self.folder)
            try:
                yield Writer(self._vectors, self._lexical)
            finally:
                self._lexical.commit()
                self._finish_write()

    def _finish_write(self) -> None:
        finished = replace(self.manifest, generation=self.manifest.generation + 1, writing=False)
        describe(finished, self._vectors)
        with self._turn:
            self._lexical_file.write_text(str(finished.generation))
            finished.save(self.folder)
            self.manifest = finished

    @property
    def _lexical_file(self) -> Path:
        return self.folder / self.manifest.store / "lexical" / _LEXICAL_GENERATION

    # -- healing ---------------------------------------------------------------------------------------------

    def _heal(self) -> None:
        """Rebuild the lexical side when it is missing or behind, as after a crash between the two stores."""
        if not self.manifest.writing and self._lexical_generation() == self.manifest.generation:
            return
        try:
            with write_lock(self.folder):
                self._lexical.clear()
                self._lexical.add(
                    (paper, _keys(read_records(paper, stored))) for paper, stored in self._vectors.all_papers()
                )
                self._lexical.commit()
                self._finish_write()
        except IndexBusy:
            return  # the writer at work will finish both sides

    def _lexical_generation(self) -> int:
        try:
            return int(self._lexical_file.read_text())
        except (OSError, ValueError):
            return -1


class Writer:
    """What may be done while the write lock is held. A call that returned is durable."""

    def __init__(self, vectors: VectorStore, lexical: LexicalIndex) -> None:
        self._vectors, self._lexical = vectors, lexical

    def stored(self, paper_ids: Sequence[str]) -> dict[str, tuple[Paper, list[Record]]]:
        """Return those papers that are stored, by id, each with the records that it is made of."""
        return self._vectors.records(paper_ids)

    def find(self, keys: Iterable[str]) -> dict[str, list[str]]:
        """Return the ids of papers that a record of theirs has given each key; see LexicalIndex."""
        return self._lexical.find(keys)

    def ids_of_source(self, source: str) -> dict[str, tuple[str, ...]]:
        """Return the ids of the papers that came from ``source``, each with the ids that its records have there."""
        return self._vectors.ids_of_source(source)

    def write(self, entries: Sequence[Entry]) -> None:
        """Store new or changed papers with their vectors."""
        self._vectors.write(entries)
        self._lexical.add((entry.paper, _keys(entry.records)) for entry in entries)

    def update(self, paper: Paper, records: Sequence[Record]) -> None:
        """Store new metadata of a paper whose text is unchanged."""
        self._vectors.update_metadata(paper, records, self._vectors.metadata([paper.id])[paper.id])
        self._lexical.add([(paper, _keys(records))])

    def remove(self, paper_ids: Sequence[str]) -> None:
        """Remove papers."""
        self._vectors.remove(paper_ids)
        self._lexical.remove(paper_ids)


def describe(manifest: Manifest, vectors: VectorStore) -> None:
    """Write into ``manifest`` what ``vectors`` hold."""
    digests = sorted(f"{stored['paper_id']} {stored['record_hash']}" for _, stored in vectors.all_papers())
    manifest.papers, manifest.passages = len(digests), len(vectors)
    manifest.fingerprint = hashlib.sha256("\n".join(digests).encode()).hexdigest()[:12]


def _keys(records: Sequence[Record]) -> list[str]:
    return list(dict.fromkeys(key for record in records for key in identity_keys(record.paper)))


def _stored_papers(store: Path) -> Iterator[tuple[Paper, list[Record]]]:
    if (store / "chroma").exists():
        for paper, stored in VectorStore(store / "chroma").all_papers():
            yield paper, read_records(paper, stored)
