"""Bring papers from sources into the index: source → paper → chunk → vector → index.

Joins those stages; knows nothing of questions and answers. Only new and changed texts are embedded, and a paper met
twice is one paper.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from chatbot.chunks import split_passages, split_sentence_chunks
from chatbot.embedding import Embedder
from chatbot.errors import SourceError
from chatbot.index import Entry, PaperIndex, Writer
from chatbot.merging import Batch, Held, load_papers
from chatbot.records import IngestReport, Paper, Record, Skipped
from chatbot.sources import STDIN, read_papers

Progress = Callable[[int], None]
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
            entries = [_make_entry(paper, records) for paper, records in batch]
            _embed(embedder, entries)
            writer.write(entries)
            if progress:
                progress(len(batch))


def _ingest_source(
    writer: Writer, embedder: Embedder, name: str, path: Path, report: IngestReport, progress: Progress | None
) -> None:
    seen: dict[str, str] = {}
    faults_before = report.faults
    items = read_papers(path)
    while batch := list(islice(items, PAPERS_A_BATCH)):
        report.skipped += [replace(item, where=f"{path} {item.where}") for item in batch if isinstance(item, Skipped)]
        papers = [item for item in batch if isinstance(item, Paper)]
        _store(writer, embedder, name, papers, report, seen)
        if progress:
            progress(len(batch))
    if not seen:
        raise SourceError(f"{path} has no usable paper; nothing was removed")
    if report.faults == faults_before and path != STDIN:  # what comes in there next may be something else
        report.removed += _remove_missing(writer, embedder, name, seen)


def _store(
    writer: Writer, embedder: Embedder, name: str, papers: list[Paper], report: IngestReport, seen: dict[str, str]
) -> None:
    """Bring ``papers`` of one source into the index; ``seen`` gets the id of the paper that each one belongs to."""
    batch = Batch.load(writer, papers)
    for paper in papers:
        seen[paper.id] = batch.place(name, paper, report)
    if batch.moved:
        seen.update({there: batch.moved[here] for there, here in seen.items() if here in batch.moved})
    _save(writer, embedder, batch.held.values())


def _save(writer: Writer, embedder: Embedder, papers: Iterable[Held]) -> None:
    """Make the index hold ``papers`` as they are to be; only a new text is embedded."""
    changed = [held for held in papers if held.is_changed]
    entries = list[Entry]()
    for held in changed:
        if not held.records:
            continue
        paper = held.merge()
        if held.stored and held.stored.text == paper.text:
            writer.update(paper, held.records)
        else:
            entries.append(_make_entry(paper, held.records))
    _embed(embedder, entries)
    if entries:
        writer.write(entries)
    writer.remove([held.id for held in changed if not held.records])


def _make_entry(paper: Paper, records: Sequence[Record]) -> Entry:
    return Entry(paper, records, split_passages(paper), split_sentence_chunks(paper))


def _embed(embedder: Embedder, entries: Sequence[Entry]) -> None:
    texts = [text for entry in entries for text in entry.texts]
    if not texts:
        return
    vectors, at = embedder.embed_papers(texts), 0
    for entry in entries:
        entry.vectors = vectors[at : at + len(entry.texts)]
        at += len(entry.texts)


def _remove_missing(writer: Writer, embedder: Embedder, name: str, seen: dict[str, str]) -> int:
    """Take back what the source ``name`` no longer says, and return how many papers nobody has any more."""
    held_here = writer.ids_of_source(name).items()
    gone = [here for here, there in held_here if any(seen.get(each) != here for each in there)]
    removed = 0
    for start in range(0, len(gone), PAPERS_A_BATCH):
        papers = load_papers(writer, gone[start : start + PAPERS_A_BATCH])
        for held in papers:
            held.records = [r for r in held.records if r.source != name or seen.get(r.paper.id) == held.id]
        _save(writer, embedder, papers)
        removed += sum(not held.records for held in papers)
    return removed
