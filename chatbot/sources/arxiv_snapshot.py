"""The arXiv metadata snapshot: JSON Lines with arXiv's own field names, one paper a line.

Knows those names and what an arXiv id tells; knows nothing of how the snapshot is fetched.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, Field

from chatbot.records import Paper, Skipped
from chatbot.sources.fields import make_paper
from chatbot.sources.jsonl import read_records

NAME = "arXiv metadata snapshot"
RANK = 1
_FIELD = re.compile(r'"(?:authors_parsed|journal-ref|submitter)"\s*:')
_YEAR_OF_ID = re.compile(r"(?:^|/)(\d\d)(?:0[1-9]|1[0-2])\d*\.?\d*(?:v\d+)?$")
_FIRST_YEAR = 1991


class _Record(BaseModel):
    id: str | None = None
    title: str | None = None
    abstract: str | None = None
    authors: str | list[str] | None = None
    authors_parsed: list[list[str]] | None = None
    venue: str | None = Field(None, alias="journal-ref")
    doi: str | None = None
    update_date: str | None = None


def recognises(path: Path, head: str) -> bool:
    """Tell whether the first record has a field that only arXiv's have."""
    return head.lstrip().startswith("{") and bool(_FIELD.search(head))


def read(path: Path) -> Iterator[Paper | Skipped]:
    """Yield a Paper a line."""
    return read_records(path, _to_paper)


def _to_paper(record: object) -> Paper:
    read = _Record.model_validate(record)
    names = [" ".join([*name[1:2], name[0], *name[2:]]) for name in read.authors_parsed or () if name]
    return make_paper(
        id=read.id or "",
        title=read.title or "",
        abstract=read.abstract or "",
        authors=names or ([read.authors] if isinstance(read.authors, str) else read.authors or ()),
        venue=read.venue or "",
        year=_year(read.id or "") or read.update_date,
        url=f"https://arxiv.org/abs/{read.id}" if read.id else "",
        doi=read.doi or "",
        arxiv=read.id or "",
    )


def _year(id: str) -> int | None:
    """Return when the paper was first there, which the date of its last change does not tell."""
    found = _YEAR_OF_ID.search(id)
    return _FIRST_YEAR + (int(found[1]) - _FIRST_YEAR) % 100 if found else None
