"""Bring papers from sources into the index: source → paper → chunk → vector → index.

Joins those stages; knows nothing of questions and answers. Only new and changed texts are embedded, and a paper met
twice is one paper.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from time import monotonic

from chatbot.chunks import split_passages, split_sentence_chunks
from chatbot.embedding import Embedder
from chatbot.errors import SourceError
from chatbot.faults import Fault, update_faults
from chatbot.index import Entry, PaperIndex, Server, Writer
from chatbot.merging import Batch, Held, load_papers
from chatbot.records import IngestReport, Paper, Record, Skipped
from chatbot.resources import find_resource
from chatbot.settings import Settings
from chatbot.sources import find_service, is_complete, read_papers

Progress = Callable[[int], None]
Removed = Sequence[tuple[Paper, Sequence[Record]]]
SEEDS = ("seeds", "daily_papers.txt")
PAPERS_A_BATCH = 128
_COUNTING = 10.0  # seconds that are spent on knowing how long the rest will take


def name_sources(sources: Sequence[str | Path]) -> list[tuple[str, str | Path]]:
    """Return each source with the name that the index remembers it by, whatever folder it is given from next time.

    Without any source these are the seed papers.
    """
    return [(_name_source(source), source) for source in sources] or [("seed papers", find_resource(*SEEDS))]


def ingest(
    index: PaperIndex,
    embedder: Embedder,
    sources: Sequence[tuple[str, str | Path]],
    progress: Progress | None = None,
    settings: Settings | None = None,
) -> IngestReport:
    """Make the index hold what ``sources`` (pairs of a lasting name and a path or a service's name) hold now.

    A paper that a source no longer has is removed, unless another source has it too, or the source had bad
    records or no papers at all, or is asked for other things each time, as standard input and services are: then
    nothing is. A record that has lost its abstract keeps the paper as it was. ``progress`` gets the number of papers of
    each batch done.
    Raises SourceError, with the report, for a source that cannot be read, after the others are done.
    """
    with index.write() as writer:
        work = _Ingest(writer, embedder, progress)
        for name, source in sources:
            try:
                work.read(name, source, settings)
            except SourceError as error:
                work.failed.append(error)
                work.faults.append(Fault(name, "", str(error)))
        work.report.report_file = update_faults(index.folder, [name for name, _ in sources], work.faults)
    if work.failed:
        raise SourceError("; ".join(map(str, work.failed)), work.report)
    return work.report


def count_records(sources: Sequence[str | Path]) -> int | None:
    """Return how many records ``sources`` hold; None when only asking them would tell, or reading them takes long."""
    if not all(map(is_complete, sources)):
        return None
    count, deadline = 0, monotonic() + _COUNTING
    for source in sources:
        try:
            for _ in read_papers(source):
                count += 1
                if monotonic() > deadline:
                    return None
        except SourceError:
            continue  # which the ingest itself will tell
    return count


def rebuild_index(
    folder: Path, embedder: Embedder, progress: Progress | None = None, server: Server | None = None
) -> bool:
    """Embed all papers of the index in ``folder`` again; the old vectors stay in use until all new ones are there.

    Tells whether there is an index; where there is no folder, nothing is done.
    """
    if not folder.exists() and not server:
        return False
    with PaperIndex.rebuild(folder, embedder.identity, server) as (stored, writer):
        while batch := list(islice(stored, PAPERS_A_BATCH)):
            entries = [make_entry(paper, records) for paper, records in batch]
            _embed(embedder, entries)
            writer.write(entries)
            if progress:
                progress(len(batch))
    return True


def remove_papers(index: PaperIndex, ids: Sequence[str]) -> Removed:
    """Remove the papers with ``ids``, and return them with the records that they are made of."""
    with index.write() as writer:
        removed = list(writer.stored(ids).values())
        writer.remove([paper.id for paper, _ in removed])
    return removed


def restore_papers(index: PaperIndex, embedder: Embedder, removed: Removed) -> None:
    """Bring papers back that ``remove_papers`` returned."""
    entries = [make_entry(paper, records) for paper, records in removed]
    _embed(embedder, entries)
    with index.write() as writer:
        writer.write(entries)


@dataclass(slots=True)
class _Ingest:
    """One ingest: what works in it, and what came of it so far."""

    writer: Writer
    embedder: Embedder
    progress: Progress | None
    report: IngestReport = field(default_factory=IngestReport)
    faults: list[Fault] = field(default_factory=list)
    failed: list[SourceError] = field(default_factory=list)

    def read(self, name: str, source: str | Path, settings: Settings | None) -> None:
        """Bring one source in. Raises SourceError when it cannot be read, or no further; what came is kept."""
        seen: dict[str, str] = {}  # the id of each record, and of the paper that it belongs to
        faults_before = self.report.faults
        for batch in _batches(read_papers(source, settings)):
            skipped = [item for item in batch if isinstance(item, Skipped)]
            self._note(name, source, skipped)
            self._keep(name, [item.paper for item in skipped if item.paper], seen)
            self._store(name, [item for item in batch if isinstance(item, Paper)], seen)
            if self.progress:
                self.progress(len(batch))
        if not seen:
            raise SourceError(f"{source} has no usable paper; nothing was removed")
        if self.report.faults == faults_before and is_complete(source):
            self.report.removed += _remove_missing(self.writer, self.embedder, name, seen)

    def _note(self, name: str, source: str | Path, skipped: Sequence[Skipped]) -> None:
        self.report.skipped += [replace(item, where=f"{source} {item.where}") for item in skipped]
        self.faults += [Fault(name, item.where, item.reason) for item in skipped if item.is_fault or item.paper]

    def _keep(self, name: str, without_abstract: Sequence[Paper], seen: dict[str, str]) -> None:
        """Keep what is stored of records that are still there and have lost no more than their abstract."""
        batch = Batch.load(self.writer, without_abstract)
        for paper in without_abstract:
            for held in batch.near(paper):
                seen.update({r.paper.id: held.id for r in held.records if r.source == name and r.paper.id not in seen})

    def _store(self, name: str, papers: Sequence[Paper], seen: dict[str, str]) -> None:
        batch = Batch.load(self.writer, papers)
        for paper in papers:
            seen[paper.id] = batch.place(name, paper, self.report)
        if batch.moved:
            seen.update({there: batch.moved[here] for there, here in seen.items() if here in batch.moved})
        save_held(self.writer, self.embedder, batch.held.values())


def _batches(items: Iterator[Paper | Skipped]) -> Iterator[list[Paper | Skipped]]:
    """Yield ``items`` in lists; where reading them fails, what was read comes first."""
    batch = list[Paper | Skipped]()
    try:
        for item in items:
            batch.append(item)
            if len(batch) == PAPERS_A_BATCH:
                yield batch
                batch = []
    except SourceError:
        if batch:
            yield batch
        raise
    if batch:
        yield batch


def save_held(writer: Writer, embedder: Embedder, papers: Iterable[Held]) -> None:
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
            entries.append(make_entry(paper, held.records))
    _embed(embedder, entries)
    if entries:
        writer.write(entries)
    writer.remove([held.id for held in changed if not held.records])


def make_entry(paper: Paper, records: Sequence[Record]) -> Entry:
    """Return ``paper`` cut into the chunks that get vectors."""
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
        save_held(writer, embedder, papers)
        removed += sum(not held.records for held in papers)
    return removed


def _name_source(source: str | Path) -> str:
    if str(source) == "-":
        return "standard input"
    return str(source) if find_service(source) else str(Path(source).resolve())
