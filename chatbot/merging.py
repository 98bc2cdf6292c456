"""Put the records of one source with the papers that the index holds: new, changed, the same, or met twice.

Joins identity and the index for one batch at a time; knows nothing of files, and leaves embedding to ``ingest``.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from chatbot.identity import contradict, identity_keys, is_same, merge
from chatbot.index import Writer
from chatbot.records import IngestReport, Paper, Record


@dataclass(slots=True, eq=False)
class Held:
    """A paper at work: its records as they are to be, and what is stored of it, None and nothing when it is new."""

    id: str
    records: list[Record]
    stored: Paper | None = None
    stored_records: Sequence[Record] = ()

    @property
    def is_changed(self) -> bool:
        """Tell whether the index has something else."""
        return self.records != list(self.stored_records)

    def merge(self) -> Paper:
        """Return the paper that the records make together."""
        return merge(self.id, [record.paper for record in self.records])

    def find(self, source: str, id: str) -> int | None:
        """Return the place of the record that ``source`` has under ``id``."""
        places = (at for at, each in enumerate(self.records) if (each.source, each.paper.id) == (source, id))
        return next(places, None)


@dataclass(slots=True)
class Batch:
    """The papers that some records of one source may belong to, by id; ``moved`` tells which paper joined which."""

    held: dict[str, Held] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    _ids: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def load(cls, writer: Writer, papers: Sequence[Paper]) -> "Batch":
        """Return the batch for ``papers``, with what the index holds of them."""
        ids = writer.find(dict.fromkeys(key for paper in papers for key in identity_keys(paper)))
        found = (each for sharing in ids.values() for each in sharing)
        held = load_papers(writer, [*(paper.id for paper in papers), *found])
        return cls({each.id: each for each in held}, {}, ids)

    def place(self, source: str, paper: Paper, report: IngestReport) -> str:
        """Give ``paper``, a record of ``source``, its place, count it, and return the id of the paper it belongs to.

        The record's own paper comes first, then one that it is the same as; else it is a new one, whose id is told
        apart when another paper has it.
        """
        record, near = Record(source, paper), self.near(paper)
        own = next((held for held in near if held.find(source, paper.id) is not None), None)
        if own and not self._still_fits(own, record):
            own.records.pop(own.find(source, paper.id) or 0)
            own = None
        same = [held for held in near if held is not own and _belongs(paper, [each.paper for each in held.records])]
        if own:
            target = own
            self._replace(own, record, report)
        elif same:
            target = same[0]
            target.records.append(record)
            report.merged += 1
        else:
            target = self._add(record)
            report.added += 1
        for key in identity_keys(paper):
            self._ids.setdefault(key, []).append(target.id)
        for other in same:
            if other is not target:
                self._join(target, other, report)
        return target.id

    def near(self, paper: Paper) -> list[Held]:
        """Return the papers that share a key or the id with ``paper``."""
        keys = identity_keys(paper)
        ids = dict.fromkeys([*(each for key in keys for each in self._ids.get(key, ())), paper.id])
        return [held for each in ids if (held := self.held.get(each)) and held.records]

    @property
    def keys(self) -> set[str]:
        """Return all by which a later record may turn out to belong to one of these papers."""
        papers = [record.paper for held in self.held.values() for record in (*held.records, *held.stored_records)]
        ids = (*self.held, *(paper.id for paper in papers))
        return {*(f"id:{each}" for each in ids), *(key for paper in papers for key in identity_keys(paper))}

    def _still_fits(self, own: Held, record: Record) -> bool:
        """Tell whether a record, changed or not, belongs with the others of its paper."""
        at = own.find(record.source, record.paper.id)
        others = [each.paper for place, each in enumerate(own.records) if place != at]
        return not others or record in own.records or _belongs(record.paper, others)

    def _replace(self, own: Held, record: Record, report: IngestReport) -> None:
        if record in own.records:
            report.unchanged += 1
            return
        own.records[own.find(record.source, record.paper.id) or 0] = record
        report.updated += 1

    def _add(self, record: Record) -> Held:
        key = record.paper.id
        if key in self.moved or (key in self.held and self.held[key].records):
            told = repr((record.paper.text, record.paper.doi, record.paper.arxiv_id))
            key = f"{key}-{hashlib.sha256(told.encode()).hexdigest()[:8]}"
        known = self.held.setdefault(key, Held(key, []))
        known.records = [record]
        return known

    def _join(self, target: Held, other: Held, report: IngestReport) -> None:
        """Move the records of ``other``, the same paper, to ``target``, unless identifiers speak against it."""
        if any(contradict(one.paper, two.paper) for one in target.records for two in other.records):
            return
        target.records += other.records
        other.records = []
        joined = [other.id, *(here for here, there in self.moved.items() if there == other.id)]
        self.moved |= dict.fromkeys(joined, target.id)
        report.merged += 1


def _belongs(paper: Paper, others: Sequence[Paper]) -> bool:
    """Tell whether ``paper`` is the same as one of ``others``, and identifiers tell it from none of the rest."""
    same = [is_same(paper, other) for other in others]
    return any(same) and not any(
        contradict(paper, other) for other, is_it in zip(others, same, strict=True) if not is_it
    )


def load_papers(writer: Writer, paper_ids: Iterable[str]) -> list[Held]:
    """Return those of the papers that the index holds, as it holds them."""
    stored = writer.stored(list(dict.fromkeys(paper_ids)))
    return [Held(key, list(records), paper, records) for key, (paper, records) in stored.items()]
