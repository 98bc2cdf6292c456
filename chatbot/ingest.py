"""Bring papers from sources into the index: source → paper → chunk → vector → index.

Joins those stages; knows nothing of questions and answers. Only new and changed texts are embedded, and a paper met
twice is one paper.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from threading import Event
from time import monotonic
from typing import TypeVar

from chatbot.embedding import Embedder, open_engine
from chatbot.errors import ChatbotError, SourceError
from chatbot.faults import Fault, update_faults
from chatbot.identity import identity_keys
from chatbot.index import PaperIndex, Writer, find_server
from chatbot.markup import clip_text
from chatbot.merging import Batch, load_papers
from chatbot.records import IngestReport, Paper, Record, Skipped
from chatbot.resources import find_resource
from chatbot.settings import Settings
from chatbot.sources import find_service, is_complete, read_papers
from chatbot.storing import Change, Storing, make_entry

Progress = Callable[[int], None]
Removed = Sequence[tuple[Paper, Sequence[Record]]]
Item = TypeVar("Item")
SEEDS = ("seeds", "daily_papers.txt")
PAPERS_A_BATCH, CHARS_A_BATCH = 128, 500_000  # whichever is first; a full text is as long as fifty abstracts
_COUNTING, _RECORDS_A_SECOND = 10.0, 1000  # after so many seconds, slower reading is not worth knowing the end


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
    with open_engine(embedder, settings) as engine, index.write() as writer:
        work = _Ingest(writer, Storing(writer, engine), progress)
        for name, source in sources:
            try:
                work.read(name, source, settings)
            except SourceError as error:
                work.failed.append(error)
                work.faults.append(Fault(name, "", str(error)))
        work.storing.settle()
        work.report.report_file = update_faults(index.folder, [name for name, _ in sources], work.faults)
    if work.failed:
        raise SourceError("; ".join(map(str, work.failed)), work.report)
    return work.report


def count_records(sources: Sequence[str | Path], settings: Settings, stopped: Event | None = None) -> int | None:
    """Return how many records ``sources`` hold.

    None when only asking them would tell, or reading them takes long: of many PDFs, or where somebody waits for it, as
    whoever gives no ``stopped`` does; and once that is set.
    """
    if not all(map(is_complete, sources)):
        return None
    settings = settings.model_copy(update={"full_text": False})
    count, began = 0, monotonic()
    for source in sources:
        try:
            for _ in _read(source, settings):
                count += 1
                elapsed = monotonic() - began
                is_slow = stopped is None or count < _RECORDS_A_SECOND * elapsed
                if (elapsed > _COUNTING and is_slow) or (stopped and stopped.is_set()):
                    return None
        except SourceError:
            continue  # which the ingest itself will tell
    return count


def rebuild_index(embedder: Embedder, settings: Settings, progress: Progress | None = None) -> bool:
    """Embed all papers of the index again; the old vectors stay in use until all new ones are there.

    Tells whether there is an index; where there is no folder, nothing is done.
    """
    folder, server = settings.index, find_server(settings)
    if not folder.exists() and not server:
        return False
    with (
        open_engine(embedder, settings) as engine,
        PaperIndex.rebuild(folder, embedder.identity, server) as (stored, writer),
    ):
        _store_all(Storing(writer, engine), stored, progress)
    return True


def remove_papers(index: PaperIndex, ids: Sequence[str]) -> Removed:
    """Remove the papers with ``ids``, and return them with the records that they are made of."""
    with index.write() as writer:
        removed = list(writer.stored(ids).values())
        writer.remove([paper.id for paper, _ in removed])
    return removed


def restore_papers(index: PaperIndex, embedder: Embedder, removed: Removed) -> None:
    """Bring papers back that ``remove_papers`` returned."""
    with open_engine(embedder, None) as engine, index.write() as writer:
        _store_all(Storing(writer, engine), iter(removed))


def _store_all(
    storing: Storing, papers: Iterator[tuple[Paper, Sequence[Record]]], progress: Progress | None = None
) -> None:
    for batch in _batches(papers, lambda each: len(each[0].text)):
        change = Change([make_entry(paper, records) for paper, records in batch])
        storing.add(change, done=partial(progress, len(batch)) if progress else None)
    storing.settle()


@dataclass(slots=True)
class _Ingest:
    """One ingest: what works in it, and what came of it so far."""

    writer: Writer
    storing: Storing
    progress: Progress | None
    report: IngestReport = field(default_factory=IngestReport)
    faults: list[Fault] = field(default_factory=list)
    failed: list[SourceError] = field(default_factory=list)
    touched: set[str] = field(default_factory=set)  # papers that are not as they were when writing began

    def read(self, name: str, source: str | Path, settings: Settings | None) -> None:
        """Bring one source in. Raises SourceError when it cannot be read, or no further; what came is kept."""
        seen: dict[str, str] = {}  # the id of each record, and of the paper that it belongs to
        faults_before = self.report.faults
        for batch in _batches(_read(source, settings), _count_chars):
            skipped = [item for item in batch if isinstance(item, Skipped)]
            self._note(name, source, skipped)
            self._keep(name, [item.paper for item in skipped if item.paper], seen)
            done = partial(self.progress, len(batch)) if self.progress else None
            self._store(name, [item for item in batch if isinstance(item, Paper)], seen, done)
        if not seen:
            raise SourceError(f"{source} has no usable paper; nothing was removed")
        if self.report.faults == faults_before and is_complete(source):
            self._remove_missing(name, seen)

    def _note(self, name: str, source: str | Path, skipped: Sequence[Skipped]) -> None:
        self.report.skipped += [replace(item, where=f"{source} {item.where}") for item in skipped]
        self.faults += [Fault(name, item.where, item.reason) for item in skipped if item.is_fault or item.paper]

    def _keep(self, name: str, without_abstract: Sequence[Paper], seen: dict[str, str]) -> None:
        """Keep what is stored of records that are still there and have lost no more than their abstract."""
        batch = self._load(without_abstract)
        for paper in without_abstract:
            for held in batch.near(paper):
                seen.update({r.paper.id: held.id for r in held.records if r.source == name and r.paper.id not in seen})

    def _load(self, papers: Sequence[Paper]) -> Batch:
        """Return what the index holds of ``papers``, once nothing that may be the same is on its way into it."""
        self.storing.settle({key for paper in papers for key in (f"id:{paper.id}", *identity_keys(paper))})
        return Batch.load(self.writer, papers)

    def _store(self, name: str, papers: Sequence[Paper], seen: dict[str, str], done: Callable[[], None] | None) -> None:
        same = self.writer.had(name, papers) - self.touched
        seen.update((each, each) for each in same)
        self.report.unchanged += len(same)
        papers = [paper for paper in papers if paper.id not in same]
        batch = self._load(papers)
        for paper in papers:
            seen[paper.id] = batch.place(name, paper, self.report)
        if batch.moved:
            seen.update({there: batch.moved[here] for there, here in seen.items() if here in batch.moved})
        self.touched.update(held.id for held in batch.held.values() if held.stored and held.is_changed)
        self.storing.add(Change.of(batch.held.values()), batch.keys, done)

    def _remove_missing(self, name: str, seen: dict[str, str]) -> None:
        """Take back what the source ``name`` no longer says, and count the papers that nobody has any more."""
        self.storing.settle()
        held_here = self.writer.ids_of_source(name).items()
        gone = [here for here, there in held_here if any(seen.get(each) != here for each in there)]
        self.touched.update(gone)
        for start in range(0, len(gone), PAPERS_A_BATCH):
            papers = load_papers(self.writer, gone[start : start + PAPERS_A_BATCH])
            for held in papers:
                held.records = [r for r in held.records if r.source != name or seen.get(r.paper.id) == held.id]
            self.report.removed += sum(not held.records for held in papers)
            self.storing.add(Change.of(papers))
        self.storing.settle()


def _read(source: str | Path, settings: Settings | None) -> Iterator[Paper | Skipped]:
    """Yield what ``read_papers`` does; what else befalls a source is a SourceError: the index is not at fault."""
    try:
        yield from read_papers(source, settings)
    except ChatbotError:
        raise
    except Exception as error:
        reason = clip_text(str(getattr(error, "strerror", None) or error), 100) or type(error).__name__
        name = clip_text(str(source), 100)
        raise SourceError(f"{name} cannot be read ({reason}); check it and the settings, and try again") from error


def _count_chars(item: Paper | Skipped) -> int:
    return len(item.text) if isinstance(item, Paper) else 0


def _batches(items: Iterator[Item], chars: Callable[[Item], int]) -> Iterator[list[Item]]:
    """Yield ``items`` in lists; where reading them fails, what was read comes first."""
    batch, size = list[Item](), 0
    try:
        for item in items:
            batch.append(item)
            size += chars(item)
            if len(batch) == PAPERS_A_BATCH or size >= CHARS_A_BATCH:
                yield batch
                batch, size = [], 0
    except SourceError:
        if batch:
            yield batch
        raise
    if batch:
        yield batch


def _name_source(source: str | Path) -> str:
    if str(source) == "-":
        return "standard input"
    name = str(source) if find_service(source) else str(Path(source).resolve())
    return name.encode(errors="surrogateescape").decode(errors="backslashreplace")  # a file's name may be any bytes
