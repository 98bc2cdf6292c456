"""Read papers from files: one module a format, chosen by what the file contains.

Knows the list of formats and gives every paper an id; knows nothing of chunks, vectors or the index. To add
a format, write a module with ``NAME``, ``recognises`` and ``read`` and name it in ``FORMATS``.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from chatbot.errors import SourceError
from chatbot.records import Paper, Skipped
from chatbot.sources import (
    arxiv_snapshot,
    beir,
    bibtex,
    csl_json,
    daily_papers,
    delimited,
    jsonl,
    openalex,
    parquet,
    pdf,
    ris,
)
from chatbot.sources.text import read_head


class Format(Protocol):
    """What a module in this folder offers."""

    NAME: str

    def recognises(self, path: Path, head: str) -> bool:
        """Tell whether the file at ``path``, which begins with ``head``, is in this format."""

    def read(self, path: Path) -> Iterator[Paper | Skipped]:
        """Yield the papers of ``path``, and a Skipped for each record that is not one."""


FORMATS: tuple[Format, ...] = (
    parquet,
    pdf,
    bibtex,
    ris,
    openalex,
    arxiv_snapshot,
    csl_json,
    delimited,
    beir,
    jsonl,
    daily_papers,
)
_ID_CHARS = 80


def read_papers(path: Path) -> Iterator[Paper | Skipped]:
    """Yield the papers of the file or BEIR folder at ``path``; a bad record is a Skipped and stops nothing.

    Every paper gets an id that no other of this source has: the record's own, else one made from the title.
    Raises SourceError for a source that cannot be read at all.
    """
    if not path.exists():
        raise SourceError(f"{path} does not exist; give a file or a BEIR folder")
    file = path / "corpus.jsonl" if path.is_dir() else path
    if not file.exists():
        raise SourceError(f"{path} is a folder without corpus.jsonl; give a file or a BEIR folder")
    head = read_head(file)
    for form in FORMATS:
        if form.recognises(file, head):
            return _with_ids(form.read(file))
    problem = "is not a text file, and" if "\0" in head else "is"
    raise SourceError(f"{path} {problem} in no known format; known are: {', '.join(form.NAME for form in FORMATS)}")


def _with_ids(items: Iterator[Paper | Skipped]) -> Iterator[Paper | Skipped]:
    seen: dict[str, bytes] = {}
    for number, item in enumerate(items, 1):
        if isinstance(item, Skipped):
            yield item
            continue
        digest = hashlib.sha256(item.text.encode()).digest()
        paper = item if item.id else replace(item, id=make_id(item.title))
        if not item.id and seen.get(paper.id, digest) != digest:  # another paper with the same title
            paper = replace(paper, id=f"{paper.id}-{digest.hex()[:8]}")
        if paper.id in seen:
            is_copy = seen[paper.id] == digest
            reason = "the same paper again" if is_copy else "its id is taken by an earlier record"
            yield Skipped(f"record {number} ({paper.id})", reason, is_copy)
            continue
        seen[paper.id] = digest
        yield paper


def make_id(title: str) -> str:
    """Return a readable id made of the title's words; titles that differ only in a long tail differ in a hash."""
    slug = re.sub(r"\W+", "-", title.lower()).strip("-")
    if slug and len(slug) <= _ID_CHARS:
        return slug
    return f"{slug[:_ID_CHARS].rstrip('-')}-{hashlib.sha256(title.encode()).hexdigest()[:8]}".lstrip("-")
