"""The index as the rest of the program sees it: one writer at a time, any number of readers, self-healing.

Knows the two stores, the manifest and the lock; knows nothing of models, questions or answers.
"""

import errno
import hashlib
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from filelock import FileLock, Timeout

from chatbot.errors import ChatbotError, IndexBroken, IndexBusy
from chatbot.index.lexical import LexicalIndex
from chatbot.index.manifest import Manifest, load_manifest, verify_manifest
from chatbot.index.vectors import Entry, VectorStore, forget_stores
from chatbot.records import Paper, Span

_LOCK = "write.lock"
_LEXICAL_GENERATION = "generation"
_LITTLE_SPACE = 1_000_000  # bytes


class PaperIndex:
    """Papers with their vectors and words in ``folder``. Opening never changes what is indexed.

    Raises IndexMissing, IndexMismatch or IndexBroken; any method may raise IndexBroken.
    """

    def __init__(self, folder: Path, embedding: str) -> None:
        self.folder = folder
        self._embedding = embedding
        self.manifest = load_manifest(folder)
        verify_manifest(self.manifest, folder, embedding)
        with _guard(folder):
            self._open_stores()
            self._heal()

    @classmethod
    def create(cls, folder: Path, embedding: str) -> "PaperIndex":
        """Open the index in ``folder``, making an empty one where there is none."""
        if not (folder / "manifest.json").exists():
            with _guard(folder), _lock(folder):
                if not (folder / "manifest.json").exists():
                    Manifest(embedding=embedding).save(folder)
        return cls(folder, embedding)

    def _open_stores(self) -> None:
        store = self.folder / self.manifest.store
        self._vectors = VectorStore(store / "chroma")
        if not self.manifest.writing and len(self._vectors) != self.manifest.passages:
            raise _broken(self.folder, f"{len(self._vectors)} of {self.manifest.passages} passages are there")
        try:
            self._lexical = LexicalIndex(store / "lexical")
        except (OSError, ValueError):  # it is derived, so a damaged one is made anew
            _remove(store / "lexical")
            self._lexical = LexicalIndex(store / "lexical")

    @classmethod
    @contextmanager
    def rebuild(cls, folder: Path, embedding: str) -> Iterator[tuple[Iterator[tuple[Paper, list[str]]], "Writer"]]:
        """Yield the stored papers with their sources, and a Writer that makes their new index.

        The old one, whatever model or manifest it has, stays in use until the block ends without an error.
        Raises IndexBusy, or IndexBroken when the old one cannot be read.
        """
        with _guard(folder), _lock(folder):
            try:
                old = load_manifest(folder)
            except IndexBroken:
                old = Manifest(embedding, store=max((path.name for path in folder.glob("store-*")), default="store-0"))
            fresh = Manifest(embedding, generation=old.generation + 1, store=f"store-{old.generation + 1}")
            store = folder / fresh.store
            _remove(store)
            lexical, vectors = LexicalIndex(store / "lexical"), VectorStore(store / "chroma")
            try:
                yield _stored_papers(folder / old.store), Writer(vectors, lexical)
            except BaseException:
                _remove(store)
                raise
            lexical.commit()
            _describe(fresh, vectors)
            (store / "lexical" / _LEXICAL_GENERATION).write_text(str(fresh.generation))
            fresh.save(folder)
            forget_stores()
            _remove(folder / old.store)

    # -- reading ---------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        """Return the number of papers."""
        return self.manifest.papers

    def refresh(self) -> None:
        """Reopen the stores when another process has finished a write since."""
        current = load_manifest(self.folder)
        if current.generation == self.manifest.generation:
            return
        verify_manifest(current, self.folder, self._embedding)
        with _guard(self.folder):
            forget_stores()
            self.manifest = current
            self._open_stores()

    def nearest_passages(self, vector: npt.NDArray[np.float32], limit: int) -> dict[str, float]:
        """Return cosines by paper id; see VectorStore."""
        with _guard(self.folder):
            return self._vectors.nearest_passages(vector, limit)

    def nearest_sentences(self, vector: npt.NDArray[np.float32], limit: int) -> dict[str, float]:
        """Return cosines by paper id; see VectorStore."""
        with _guard(self.folder):
            return self._vectors.nearest_sentences(vector, limit)

    def passage_vectors(self, paper_ids: Sequence[str]) -> dict[str, npt.NDArray[np.float32]]:
        """Return first-passage vectors by paper id."""
        with _guard(self.folder):
            return self._vectors.passage_vectors(paper_ids)

    def match_words(self, query: str, limit: int) -> tuple[dict[str, float], dict[str, float]]:
        """Return BM25 scores by paper id, for words and for pairs of words; see LexicalIndex."""
        with _guard(self.folder):
            return self._lexical.search(query, limit)

    def document_frequency(self, text: str) -> dict[str, int]:
        """Return in how many papers each stemmed word of ``text`` occurs."""
        with _guard(self.folder):
            return self._lexical.document_frequency(text)

    def papers(self, paper_ids: Sequence[str]) -> dict[str, Paper]:
        """Return papers by id; those that are not there are left out."""
        with _guard(self.folder):
            return self._vectors.papers(paper_ids)

    def all_papers(self) -> Iterator[Paper]:
        """Yield every paper."""
        with _guard(self.folder):
            for paper, _ in self._vectors.all_papers():
                yield paper

    def spans(self, papers: Sequence[Paper]) -> dict[str, list[Span]]:
        """Return the sentences of each paper, in order, with their vectors."""
        with _guard(self.folder):
            return self._vectors.spans(papers)

    # -- writing ---------------------------------------------------------------------------------------------

    @contextmanager
    def write(self) -> Iterator["Writer"]:
        """Hold the write lock and yield a Writer; whatever it acknowledged is kept even if the block raises.

        Raises IndexBusy when another process is writing.
        """
        with _guard(self.folder), _lock(self.folder):
            self.refresh()
            self.manifest.writing = True
            self.manifest.save(self.folder)
            try:
                yield Writer(self._vectors, self._lexical)
            finally:
                self._lexical.commit()
                self._finish_write()

    def _finish_write(self) -> None:
        _describe(self.manifest, self._vectors)
        self.manifest.generation += 1
        self.manifest.writing = False
        self._lexical_file.write_text(str(self.manifest.generation))
        self.manifest.save(self.folder)

    @property
    def _lexical_file(self) -> Path:
        return self.folder / self.manifest.store / "lexical" / _LEXICAL_GENERATION

    # -- healing ---------------------------------------------------------------------------------------------

    def _heal(self) -> None:
        """Rebuild the lexical side when it is missing or behind, as after a crash between the two stores."""
        if not self.manifest.writing and self._lexical_generation() == self.manifest.generation:
            return
        try:
            with _lock(self.folder):
                self._lexical.clear()
                self._lexical.add(paper for paper, _ in self._vectors.all_papers())
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

    def stored(self, paper_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return ``text_hash``, ``record_hash`` and ``sources`` of those papers that are stored, by id."""
        return self._vectors.metadata(paper_ids)

    def ids_of_source(self, source: str) -> dict[str, tuple[str, ...]]:
        """Return the ids of the papers that came from ``source``, each with all its sources."""
        return self._vectors.ids_of_source(source)

    def write(self, entries: Sequence[Entry]) -> None:
        """Store new or changed papers with their vectors."""
        self._vectors.write(entries)
        self._lexical.add(entry.paper for entry in entries)

    def papers(self, paper_ids: Sequence[str]) -> dict[str, Paper]:
        """Return stored papers by id."""
        return self._vectors.papers(paper_ids)

    def update(self, paper: Paper, sources: Sequence[str]) -> None:
        """Store new metadata of a paper whose text is unchanged."""
        self._vectors.update_metadata(paper, sources, self._vectors.metadata([paper.id])[paper.id])

    def remove(self, paper_ids: Sequence[str]) -> None:
        """Remove papers."""
        self._vectors.remove(paper_ids)
        self._lexical.remove(paper_ids)


def _describe(manifest: Manifest, vectors: VectorStore) -> None:
    digests = sorted(f"{stored['paper_id']} {stored['record_hash']}" for _, stored in vectors.all_papers())
    manifest.papers, manifest.passages = len(digests), len(vectors)
    manifest.fingerprint = hashlib.sha256("\n".join(digests).encode()).hexdigest()[:12]


def _stored_papers(store: Path) -> Iterator[tuple[Paper, list[str]]]:
    if (store / "chroma").exists():
        for paper, stored in VectorStore(store / "chroma").all_papers():
            yield paper, stored["sources"]


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / _LOCK, timeout=0):
            yield
    except Timeout as error:
        raise IndexBusy(f"another process is writing to {folder}; wait for it to finish and try again") from error


@contextmanager
def _guard(folder: Path) -> Iterator[None]:
    """Turn what storage libraries raise into one line for the user."""
    try:
        yield
    except ChatbotError:
        raise
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # chromadb's Rust core raises PanicException, which is no Exception
        raise _explain(folder, error) from error


def _explain(folder: Path, error: BaseException) -> ChatbotError:
    text = f"{type(error).__name__}: {error}".lower()
    code = getattr(error, "errno", None)
    if code == errno.ENOSPC or "no space left" in text or "disk is full" in text or _is_full(folder):
        return IndexBroken(f"the disk is full at {folder}; free some space and run the same command again")
    if code in (errno.EACCES, errno.EPERM, errno.EROFS) or "readonly" in text or "read-only" in text:
        return IndexBroken(f"{folder} cannot be written; make it writable or choose another with --index")
    if code in (errno.ENOTDIR, errno.EEXIST):
        return IndexBroken(f"{folder} is not a folder; choose another with --index")
    return _broken(folder, " ".join(str(error).split())[:120] or type(error).__name__)


def _is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < _LITTLE_SPACE
    except OSError:
        return False


def _broken(folder: Path, reason: str) -> IndexBroken:
    return IndexBroken(
        f"the index in {folder} is damaged ({reason}); move it away and run: chatbot ingest SOURCE … --index {folder}"
    )
