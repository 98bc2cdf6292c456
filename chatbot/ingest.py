"""Bring papers from sources into the index: source → paper → chunk → vector → index.

Joins those stages; knows nothing of questions and answers. Only new and changed texts are embedded.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from chatbot.chunks import split_passages, split_sentence_chunks
from chatbot.embedding import Embedder
from chatbot.errors import SourceError
from chatbot.index import Entry, PaperIndex, Writer, hash_record, hash_text
from chatbot.records import IngestReport, Paper, Skipped
from chatbot.sources import STDIN, read_papers

Progress = Callable[[int], None]
Removed = Sequence[tuple[Paper, Sequence[str]]]
PAPERS_A_BATCH = 128


def ingest(
    index: PaperIndex, embedder: Embedder, sources: Sequence[tuple[str, Path]], progress: Progress | None = None
) -> IngestReport:
    """Make the index hold what ``sources`` (pairs of a lasting name and a path) hold now, and report it.

    A paper that a source no longer has is removed, unless another source has it too, or the source had bad
    records or no papers at all, or is standard input: then nothing is. ``progress`` gets the number of papers of
    each batch done.
    Raises SourceError, with the report, for a source that cannot be read, after the others are done.
    """
    report, failed = IngestReport(), []
    with index.write() as writer:
        for name, path in sources:
            try:
                _ingest_source(writer, embedder, name, path, report, progress)
            except SourceError as error:
                failed.append(error)
    if failed:
        raise SourceError("; ".join(map(str, failed)), report)
    return report


def rebuild_index(folder: Path, embedder: Embedder, progress: Progress | None = None) -> None:
    """Embed all papers of the index in ``folder`` again; the old vectors stay in use until all new ones are there.

    Does nothing where there is no index.
    """
    if not folder.exists():
        return
    with PaperIndex.rebuild(folder, embedder.identity) as (stored, writer):
        while batch := list(islice(stored, PAPERS_A_BATCH)):
            entries = [_make_entry(paper, sources) for paper, sources in batch]
            _embed(embedder, entries)
            writer.write(entries)
            if progress:
                progress(len(batch))


def remove_papers(index: PaperIndex, ids: Sequence[str]) -> Removed:
    """Remove the papers with ``ids``, and return them with their sources."""
    with index.write() as writer:
        stored = writer.stored(ids)
        removed = [(paper, tuple(stored[key]["sources"])) for key, paper in writer.papers(list(stored)).items()]
        writer.remove(list(stored))
    return removed


def restore_papers(index: PaperIndex, embedder: Embedder, removed: Removed) -> None:
    """Bring papers back that ``remove_papers`` returned."""
    entries = [_make_entry(paper, sources) for paper, sources in removed]
    _embed(embedder, entries)
    with index.write() as writer:
        writer.write(entries)


def _ingest_source(
    writer: Writer, embedder: Embedder, name: str, path: Path, report: IngestReport, progress: Progress | None
) -> None:
    seen: set[str] = set()
    faults_before = report.faults
    items = read_papers(path)
    while batch := list(islice(items, PAPERS_A_BATCH)):
        report.skipped += [replace(item, where=f"{path} {item.where}") for item in batch if isinstance(item, Skipped)]
        papers = [item for item in batch if isinstance(item, Paper)]
        seen.update(paper.id for paper in papers)
        _store(writer, embedder, name, papers, report)
        if progress:
            progress(len(batch))
    if not seen:
        raise SourceError(f"{path} has no usable paper; nothing was removed")
    if report.faults == faults_before and path != STDIN:  # what comes in there next may be something else
        report.removed += _remove_missing(writer, name, seen)


def _store(writer: Writer, embedder: Embedder, name: str, papers: list[Paper], report: IngestReport) -> None:
    stored = writer.stored([paper.id for paper in papers])
    entries = []
    for paper in papers:
        known = stored.get(paper.id)
        if known is None:
            entries.append(_make_entry(paper, [name]))
            report.added += 1
            continue
        sources = sorted({name, *known["sources"]})
        same_text = known["text_hash"] == hash_text(paper)
        if not same_text and name not in known["sources"]:
            other = ", ".join(known["sources"])
            report.skipped.append(Skipped(f"{name} {paper.id}", f"another text has this id, from {other}"))
        elif not same_text:
            entries.append(_make_entry(paper, sources))
            report.updated += 1
        elif known["record_hash"] == hash_record(paper) and known["sources"] == sources:
            report.unchanged += 1
        else:
            writer.update(paper, sources)
            report.updated += 1
    _embed(embedder, entries)
    if entries:
        writer.write(entries)


def _make_entry(paper: Paper, sources: Sequence[str]) -> Entry:
    return Entry(paper, tuple(sources), split_passages(paper), split_sentence_chunks(paper))


def _embed(embedder: Embedder, entries: Sequence[Entry]) -> None:
    texts = [text for entry in entries for text in entry.texts]
    if not texts:
        return
    vectors, at = embedder.embed_papers(texts), 0
    for entry in entries:
        entry.vectors = vectors[at : at + len(entry.texts)]
        at += len(entry.texts)


def _remove_missing(writer: Writer, name: str, seen: set[str]) -> int:
    gone = {key: sources for key, sources in writer.ids_of_source(name).items() if key not in seen}
    orphans = [key for key, sources in gone.items() if sources == (name,)]
    writer.remove(orphans)
    for paper in writer.papers([key for key in gone if key not in orphans]).values():
        writer.update(paper, [source for source in gone[paper.id] if source != name])
    return len(orphans)
