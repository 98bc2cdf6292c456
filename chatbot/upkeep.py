"""Keep an index whole and take it elsewhere: repair it, and bring snapshots of it into another.

Joins the index, the ingest and the embedding model, which is loaded only for texts without a vector; knows nothing of
questions, answers or screens.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from chatbot.embedding import Embedder, Vectors
from chatbot.errors import IndexMismatch, IndexMissing
from chatbot.index import Entry, Head, PaperIndex, Server, Writer, find_place, open_snapshot, write_snapshot
from chatbot.index import repair as repair_stores
from chatbot.ingest import restore_papers
from chatbot.merging import Batch
from chatbot.records import IngestReport, Whole
from chatbot.storing import Change, make_entry

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Repaired:
    """What a repair did: rows removed that belonged to no paper, and papers embedded again."""

    removed: int
    embedded: int


def repair(folder: Path, embedder: Embedder, server: Server | None = None) -> Repaired:
    """Make all parts of the index agree again, and embed the papers again that lack a vector.

    Raises IndexBroken or IndexMismatch, each with the command, where only a new index would help.
    """
    removed, incomplete = repair_stores(folder, server)
    if incomplete:
        index = PaperIndex(folder, embedder.identity, server)
        with index.write() as writer:
            papers = list(writer.stored(incomplete).values())
        restore_papers(index, embedder, papers)
    return Repaired(removed, len(incomplete))


def export_snapshot(folder: Path, file: Path, progress: Progress | None = None, server: Server | None = None) -> int:
    """Write all papers of the index with their vectors to ``file``, and return how many there are.

    Nobody may write to the index meanwhile. Raises IndexMissing, IndexBusy, IndexBroken or InputError.
    """
    index = PaperIndex(folder, find_place(folder, server).load().embedding, server)
    write_snapshot(file, index.manifest, _counted(index.entries(), progress))
    return len(index)


def _counted(pages: Iterator[list[Entry]], progress: Progress | None) -> Iterator[list[Entry]]:
    for page in pages:
        yield page
        if progress:
            progress(len(page))


def import_snapshot(
    folder: Path, file: Path, embedder: Embedder, progress: Progress | None = None, server: Server | None = None
) -> IngestReport:
    """Bring the papers of the snapshot in ``file`` into the index in ``folder``, which is made where there is none.

    A new index becomes the same, ids and all. In one that has papers already, records of one paper are put together as
    an ingest does, so a snapshot may be imported again after an interruption. Raises SourceError for a bad file, and
    IndexMismatch when the vectors there cannot be compared with these.
    """
    report = IngestReport()
    with open_snapshot(file) as (head, pages):
        index = _open_for(folder, head, file, server)
        with index.write() as writer:
            is_new = not len(index)  # before that, another process may still write
            for page in pages:
                if is_new:
                    writer.write(page)
                    report.added += len(page)
                else:
                    _merge(writer, head, page, embedder, report)
                if progress:
                    progress(len(page))
    return report


def _open_for(folder: Path, head: Head, file: Path, server: Server | None) -> PaperIndex:
    try:
        held = find_place(folder, server).load().embedding
    except IndexMissing:
        return PaperIndex.create(folder, head.embedding, server)
    if held != head.embedding:
        raise IndexMismatch(
            f"{file} holds vectors of {head.embedding}, the index in {folder} those of {held}; import it into a new "
            "one: --index FOLDER"
        )
    return PaperIndex(folder, held, server)


def _merge(writer: Writer, head: Head, page: Sequence[Entry], embedder: Embedder, report: IngestReport) -> None:
    records = [record for entry in page for record in entry.records]
    batch = Batch.load(writer, [record.paper for record in records])
    for record in records:
        batch.place(record.source, record.paper, report)
    change = Change.of(batch.held.values())
    change.save(writer, partial(_Known(head, page, embedder).embed_papers, change.passages))


class _Known:
    """Embeds passages by looking up the vectors of a snapshot, and the few that it lacks by the model itself.

    It lacks one only where records of the snapshot part, because the index knows better whose they are.
    """

    def __init__(self, head: Head, page: Sequence[Entry], embedder: Embedder) -> None:
        self._identity, self._embedder = head.embedding, embedder
        self._vectors: dict[Whole, Vectors] = {}
        for entry in page:
            again = make_entry(entry.paper, entry.records)
            if len(order := again.order) == len(entry.vectors):
                self._keep(again.to_embed, entry.vectors[order])

    def _keep(self, passages: Sequence[Whole], vectors: Vectors) -> None:
        ends = np.cumsum([1 + len(each.sentences) for each in passages])[:-1]
        self._vectors |= zip(passages, np.split(vectors, ends), strict=True)

    def embed_papers(self, passages: Sequence[Whole]) -> Vectors:
        missing = [each for each in dict.fromkeys(passages) if each not in self._vectors]
        if missing:
            if self._embedder.identity != self._identity:
                raise IndexMismatch(
                    f"a paper has to be embedded again, by {self._identity} and not {self._embedder.identity}; "
                    "name that model with --embedding"
                )
            self._keep(missing, self._embedder.embed_papers(missing))
        return np.concatenate([self._vectors[each] for each in passages])
