"""The index as the rest of the program sees it: one writer at a time, any number of readers, self-healing.

Knows the two stores, the manifest and the lock, wherever they lie; knows nothing of models, questions or answers.
"""

import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from chatbot.errors import IndexBusy, IndexMissing
from chatbot.index.abstracts import AbstractVectors
from chatbot.index.catalogue import load_catalogue
from chatbot.index.disk import remove_path, write_lock
from chatbot.index.entry import Entry
from chatbot.index.lexical import LexicalIndex
from chatbot.index.manifest import Manifest, verify_manifest
from chatbot.index.metadata import read_records
from chatbot.index.packs import Vectors
from chatbot.index.place import Server, find_place, forget_stores
from chatbot.index.rows import read_entries
from chatbot.index.scope import Condition, Scope
from chatbot.index.writer import Writer, catch_up, describe
from chatbot.records import Listed, Paper, Record, Span

_LEXICAL_GENERATION = "generation"
_MOST_SCOPES = 32  # kept; of 20,000 papers, one takes about 20 MB


class PaperIndex:
    """Papers with their vectors and words in ``folder``; the vectors on ``server``, if there is one.

    Opening never changes what is indexed. Raises IndexMissing, IndexMismatch, IndexAway or IndexBroken; any method may
    raise IndexAway or IndexBroken.
    """

    def __init__(self, folder: Path, embedding: str, server: Server | None = None) -> None:
        self.folder, self.place = folder, find_place(folder, server)
        self._embedding = embedding
        # Threads that notice a write, or end one, do so one at a time.
        self._listing, self._turn = threading.Lock(), threading.RLock()
        self._listed: tuple[int, tuple[Listed, ...]] = (-1, ())  # of which generation, and what
        self._scopes: dict[tuple[int, Condition], Scope] = {}
        self.manifest = self.place.load()
        verify_manifest(self.manifest, str(self.place), folder, embedding)
        with self.place.guard():
            self._open_stores()
            self._heal()

    @classmethod
    def create(cls, folder: Path, embedding: str, server: Server | None = None) -> "PaperIndex":
        """Open the index in ``folder``, making an empty one where there is none."""
        place = find_place(folder, server)
        try:
            place.load()
        except IndexMissing:
            with place.guard(), place.lock():
                try:
                    place.load()
                except IndexMissing:
                    # Not 0: whoever still has an index open that lay here before must not take this one for it.
                    first = int(time.time())
                    place.save(Manifest(embedding, generation=first, store=place.make_store(first)))
        return cls(folder, embedding, server)

    def _open_stores(self) -> None:
        forget_stores()  # this process may have opened them before another one wrote
        self._vectors = self.place.open_vectors(self.manifest.store)
        if not self.manifest.writing and len(self._vectors) != self.manifest.passages:
            told, self.manifest = self.manifest, self.place.load()
            if told == self.manifest:
                raise self.place.damaged(f"{len(self._vectors)} of {told.passages} passages are there")
            self._open_stores()  # another process has begun or ended a write meanwhile
            return
        derived = self.place.derived(self.manifest.store)
        self._abstracts, self._words = AbstractVectors(derived, self._vectors), self._lexical_generation()
        try:
            self._lexical = LexicalIndex(derived / "lexical")
        except (OSError, ValueError):  # it is derived, so a damaged one is made anew
            remove_path(derived / "lexical")
            self._lexical, self._words = LexicalIndex(derived / "lexical"), -1

    @classmethod
    @contextmanager
    def rebuild(
        cls, folder: Path, embedding: str, server: Server | None = None
    ) -> Iterator[tuple[Iterator[tuple[Paper, list[Record]]], "Writer"]]:
        """Yield the stored papers with their records, and a Writer that makes their new index.

        The old one, whatever model or manifest it has, stays in use until the block ends without an error.
        Raises IndexBusy, or IndexBroken when the old one cannot be read.
        """
        place = find_place(folder, server)
        with place.guard(), place.lock() as keep:
            old = place.recover(embedding)
            fresh = Manifest(embedding, generation=old.generation + 1)
            fresh.store = place.make_store(fresh.generation, old.store)
            derived = place.derived(fresh.store)
            lexical, vectors = LexicalIndex(derived / "lexical"), place.open_vectors(fresh.store)
            vectors.generation = fresh.generation
            stored = place.open_vectors(old.store).all_papers() if place.has_vectors(old.store) else iter(())
            try:
                yield ((paper, read_records(paper, each)) for paper, each in stored), Writer(vectors, lexical, keep)
            except BaseException:
                place.drop_store(fresh.store)
                raise
            lexical.commit()
            listed = load_catalogue(derived, fresh.generation, vectors)
            AbstractVectors(derived, vectors).bring_up(fresh.generation, {each.paper.id for each in listed})
            describe(fresh, ((each.paper.id, each.digest) for each in listed), len(vectors))
            (derived / "lexical" / _LEXICAL_GENERATION).write_text(str(fresh.generation))
            keep()
            place.save(fresh)
            place.drop_store(old.store)

    # -- reading ---------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        """Return the number of papers."""
        return self.manifest.papers

    def refresh(self) -> None:
        """Reopen the stores when another process has finished a write since."""
        with self._turn, self.place.guard():
            if self._reopen():
                self._heal()

    def _reopen(self) -> bool:
        """Open what is there now, if it is not open already, and tell whether it was not."""
        known = self.manifest.store, self.manifest.generation, self._words
        self.manifest = self.place.load()
        if (self.manifest.store, self.manifest.generation, self._lexical_generation()) == known:
            return False
        verify_manifest(self.manifest, str(self.place), self.folder, self._embedding)
        self._listed, self._scopes = (-1, ()), {}
        self._open_stores()
        return True

    def listed(self) -> tuple[Listed, ...]:
        """Return all papers without their abstracts, in the order of storing."""
        with self.place.guard():
            return self._list(self.manifest)

    def _list(self, manifest: Manifest) -> tuple[Listed, ...]:
        with self._listing:
            generation, listed = self._listed
            if generation != manifest.generation:
                folder = self.place.derived(manifest.store)
                listed = load_catalogue(folder, manifest.generation, self._vectors, self._listed)
                self._listed = manifest.generation, listed
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

    def nearest_passages(self, vector: Vectors, limit: int, among: Sequence[str] | None = None) -> dict[str, float]:
        """Return cosines by paper id; see VectorStore."""
        with self.place.guard():
            return self._vectors.nearest_passages(vector, limit, among, self.manifest.passages)

    def abstract_vectors(self, paper_ids: Sequence[str]) -> dict[str, Vectors]:
        """Return vectors by paper id; see VectorStore."""
        with self.place.guard():
            return self._abstracts.read(paper_ids, self.manifest.generation)

    def match_words(
        self, query: str, limit: int, among: Collection[str] | None = None
    ) -> tuple[dict[str, float], dict[str, float]]:
        """Return BM25 scores by paper id, for words and for pairs of words; see LexicalIndex."""
        with self.place.guard():
            return self._lexical.search(query, limit, among)

    def document_frequency(self, text: str, among: Collection[str] | None = None) -> dict[str, int]:
        """Return in how many papers each stemmed word of ``text`` occurs; see LexicalIndex."""
        with self.place.guard():
            return self._lexical.document_frequency(text, among)

    def papers(self, paper_ids: Sequence[str]) -> dict[str, Paper]:
        """Return papers by id; those that are not there are left out."""
        with self.place.guard():
            return self._vectors.papers(paper_ids)

    def all_papers(self) -> Iterator[Paper]:
        """Yield every paper."""
        with self.place.guard():
            yield from (paper for paper, _ in self._vectors.all_papers())

    def entries(self) -> Iterator[list[Entry]]:
        """Yield every paper with its records, chunks and vectors, a few hundred at a time; see ``read_entries``.

        Nobody may write until the last one is out. Raises IndexBusy when another process has just written or does.
        """
        with self.place.guard(), self.place.lock() as keep:
            if self.place.load().generation != self.manifest.generation:
                raise IndexBusy(f"another process has just written to {self.place}; try again")
            for page in read_entries(self._vectors, self.place.damaged):
                yield page
                keep()

    def spans(self, papers: Sequence[Paper], vector: Vectors | None = None) -> dict[str, list[Span]]:
        """Return the sentences of each paper, in order, with their vectors; see VectorStore."""
        with self.place.guard():
            return self._vectors.spans(papers, vector)

    # -- writing ---------------------------------------------------------------------------------------------

    @contextmanager
    def write(self) -> Iterator["Writer"]:
        """Hold the write lock and yield a Writer; whatever it acknowledged is kept even if the block raises.

        Raises IndexBusy when another process is writing.
        """
        with self.place.guard(), self.place.lock() as keep:
            with self._turn:
                self._prepare()
                listed = self._list(self.manifest)
                self.manifest.writing = True
                self.place.save(self.manifest)
            self._vectors.generation = self.manifest.generation + 1
            writer = Writer(self._vectors, self._lexical, keep, listed)
            try:
                yield writer
            finally:
                self._lexical.commit()
                keep()  # of another writer's manifest this one knows nothing
                self._finish_write(writer.is_changed)

    def _prepare(self) -> None:
        """Open what is there now, and do what an earlier writer may have left undone; the lock has to be held."""
        self._reopen()
        if self.manifest.writing or self._words != self.manifest.generation:
            self._derive()
        if self.manifest.writing:
            self._finish_write()

    def _finish_write(self, is_changed: bool = True) -> None:
        finished = replace(self.manifest, generation=self.manifest.generation + is_changed, writing=False)
        listed = self._list(finished)
        self._abstracts.bring_up(finished.generation, {each.paper.id for each in listed})
        describe(finished, ((each.paper.id, each.digest) for each in listed), len(self._vectors))
        with self._turn:
            self._tell_words(finished.generation)
            self.place.save(finished)
            self.manifest = finished

    # -- healing ---------------------------------------------------------------------------------------------

    def _heal(self) -> None:
        """Finish a write that was cut off, and derive the words when they are missing or behind.

        Whoever is at work on either does it instead.
        """
        with suppress(IndexBusy):
            if self.manifest.writing:
                with self.place.lock():
                    self._prepare()
        with suppress(IndexBusy):
            if self._words != self.manifest.generation:
                with write_lock(self.folder):
                    self._derive()

    def _derive(self) -> None:
        """Bring what is derived up to the vectors; the folder's lock has to be held."""
        there = catch_up(self._lexical, self._vectors, self._words)
        self._abstracts.bring_up(self.manifest.generation, there)
        self._tell_words(self.manifest.generation)

    def _tell_words(self, generation: int) -> None:
        self._words = generation
        self._lexical_file.write_text(str(self._words))

    def _lexical_generation(self) -> int:
        try:
            return int(self._lexical_file.read_text())
        except (OSError, ValueError):
            return -1

    @property
    def _lexical_file(self) -> Path:
        return self.place.derived(self.manifest.store) / "lexical" / _LEXICAL_GENERATION
