"""Bring papers from sources into the index: source → paper → chunk → vector → index.

Joins those stages; knows nothing of questions and answers. Only new and changed texts are embedded.
"""

import shutil
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

from chatbot.chunks import split_passages, split_sentence_chunks
from chatbot.embeddings import Embedder
from chatbot.errors import SourceError
from chatbot.index import Entry, PaperIndex, Writer, hash_record, hash_text
from chatbot.records import IngestReport, Paper, Skipped
from chatbot.sources import read_papers

Progress = Callable[[int], None]
PAPERS_A_BATCH = 128


def ingest(
    index: PaperIndex, embedder: Embedder, sources: Sequence[tuple[str, Path]], progress: Progress | None = None
) -> IngestReport:
    """Make the index hold what ``sources`` (pairs of a lasting name and a path) hold now, and report it.

    A paper that a source no longer has is removed, unless another source has it too, or the source had bad
    records or no papers at all: then nothing is. ``progress`` gets the number of papers of each batch done.
    Raises SourceError for a source that cannot be read, after the others are done.
    """
    report, failed = IngestReport(), []
    with index.write() as writer:
        for name, path in sources:
            try:
                _ingest_source(writer, embedder, name, path, report, progress)
            except SourceError as error:
                failed.append(error)
    if failed:
        raise SourceError("; ".join(map(str, failed)))
    return report


def rebuild_index(folder: Path, embedder: Embedder, progress: Progress | None = None) -> None:
    """Embed all papers of the index in ``folder`` again, beside it, and then put the new index in its place.

    Until that last step the old index stays as it was. Does nothing where there is no index; raises
    IndexBroken when the old one cannot be read.
    """
    stored = PaperIndex.read_stored(folder)
    fresh = folder.with_name(folder.name + ".rebuild")
    shutil.rmtree(fresh, ignore_errors=True)
    index = PaperIndex.create(fresh, embedder.identity)
    with index.write() as writer:
        while batch := list(islice(stored, PAPERS_A_BATCH)):
            entries = [
                Entry(paper, tuple(sources), split_passages(paper), split_sentence_chunks(paper))
                for paper, sources in batch
            ]
            _embed(embedder, entries)
            writer.write(entries)
            if progress:
                progress(len(batch))
    index.replace(folder)


def _ingest_source(
    writer: Writer, embedder: Embedder, name: str, path: Path, report: IngestReport, progress: Progress | None
) -> None:
    seen: set[str] = set()
    skipped_before = len(report.skipped)
    items = read_papers(path)
    while batch := list(islice(items, PAPERS_A_BATCH)):
        report.skipped += [Skipped(f"{path} {item.where}", item.reason) for item in batch if isinstance(item, Skipped)]
        papers = [item for item in batch if isinstance(item, Paper)]
        seen.update(paper.id for paper in papers)
        _store(writer, embedder, name, papers, report)
        if progress:
            progress(len(batch))
    if not seen:
        raise SourceError(f"{path} has no usable paper; nothing was removed")
    if len(report.skipped) == skipped_before:
        report.removed += _remove_missing(writer, name, seen)


def _store(writer: Writer, embedder: Embedder, name: str, papers: list[Paper], report: IngestReport) -> None:
    stored = writer.stored([paper.id for paper in papers])
    entries = []
    for paper in papers:
        known = stored.get(paper.id)
        sources = sorted({name, *(known["sources"] if known else ())})
        if known is None or known["text_hash"] != hash_text(paper):
            entries.append(Entry(paper, tuple(sources), split_passages(paper), split_sentence_chunks(paper)))
            report.added += known is None
            report.updated += known is not None
        elif known["record_hash"] != hash_record(paper) or known["sources"] != sources:
            writer.update(paper, sources)
            report.updated += known["record_hash"] != hash_record(paper)
            report.unchanged += known["record_hash"] == hash_record(paper)
        else:
            report.unchanged += 1
    _embed(embedder, entries)
    if entries:
        writer.write(entries)


def _embed(embedder: Embedder, entries: Sequence[Entry]) -> None:
    texts = [text for entry in entries for text in entry.texts]
    if not texts:
        return
    vectors, at = embedder.embed(texts), 0
    for entry in entries:
        entry.vectors = vectors[at : at + len(entry.texts)]
        at += len(entry.texts)


def _remove_missing(writer: Writer, name: str, seen: set[str]) -> int:
    gone = {key: sources for key, sources in writer.ids_of_source(name).items() if key not in seen}
    orphans = [key for key, sources in gone.items() if sources == (name,)]
    writer.remove(orphans)
    return len(orphans)
