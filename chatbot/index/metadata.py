"""A paper with its records as the metadata of its first passage, and back; the document there is its text.

Knows papers, records and what a vector store can keep of them; knows nothing of vectors, chunks or Chroma.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from chatbot.records import Paper, Record


def hash_text(paper: Paper) -> str:
    """Return 16 hex digits of the text that is embedded."""
    return hashlib.sha256(paper.text.encode()).hexdigest()[:16]


def hash_record(paper: Paper) -> str:
    """Return 16 hex digits of everything known about the paper."""
    parts: list[Any] = [paper.text, list(paper.authors), paper.venue, paper.year, paper.url]
    parts += [paper.doi, paper.arxiv_id] if paper.doi or paper.arxiv_id else []
    parts += [list(paper.pages)] if paper.pages else []
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def read_records(paper: Paper, stored: dict[str, Any]) -> list[Record]:
    """Return the records that ``paper`` is made of; they are written out only where they differ from it."""
    if not stored.get("records"):
        return [Record(source, paper) for source in stored["sources"]]
    return [
        Record(source, replace(paper, **{name: _frozen(value) for name, value in fields.items()}))
        for source, fields in json.loads(stored["records"])
    ]


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _write_records(paper: Paper, records: Sequence[Record]) -> str:
    if all(record.paper == paper for record in records):
        return ""
    told = [[record.source, _differences(record.paper, paper)] for record in records]
    return json.dumps(told, ensure_ascii=False)


def _differences(own: Paper, paper: Paper) -> dict[str, Any]:
    """Return the id of ``own`` and what it says otherwise than ``paper``: a full text is not stored twice."""
    return {name: value for name, value in asdict(own).items() if name == "id" or value != getattr(paper, name)}


def ids_there(stored: Any, source: str) -> tuple[str, ...]:
    """Return the ids that records of the paper have in ``source``."""
    if not stored.get("records"):
        return (stored["paper_id"],)
    return tuple(fields["id"] for name, fields in json.loads(stored["records"]) if name == source)


def make_metadata(paper: Paper, records: Sequence[Record]) -> dict[str, Any]:
    """Return what is stored of a paper besides its text."""
    # Every key is written each time, because an upsert merges metadata with what was there.
    return {
        "paper_id": paper.id,
        "title": paper.title,
        "authors": json.dumps(paper.authors, ensure_ascii=False),
        "venue": paper.venue,
        "year": paper.year or 0,
        "url": paper.url,
        "doi": paper.doi,
        "arxiv_id": paper.arxiv_id,
        "sources": sorted({record.source for record in records}),
        "records": _write_records(paper, records),
        "body_chars": len(paper.body),
        "pages": json.dumps(paper.pages),
        "text_hash": hash_text(paper),
        "record_hash": hash_record(paper),
        "n": 0,
    }


def read_paper(text: str, stored: dict[str, Any]) -> Paper:
    """Return the paper of which ``text`` and ``stored`` are kept."""
    body = stored.get("body_chars", 0)  # an index of an earlier version has neither this nor what has a default below
    return Paper(
        id=stored["paper_id"],
        title=stored["title"],
        abstract=text[len(stored["title"]) + 1 : len(text) - body - 1 if body else None],
        authors=tuple(json.loads(stored["authors"])),
        venue=stored["venue"],
        year=stored["year"] or None,
        url=stored["url"],
        doi=stored.get("doi", ""),
        arxiv_id=stored.get("arxiv_id", ""),
        body=text[len(text) - body :],
        pages=tuple(json.loads(stored.get("pages", "[]"))),
    )
