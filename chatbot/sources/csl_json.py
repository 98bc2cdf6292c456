"""CSL-JSON, as Zotero and pandoc write it: one array of items.

Knows the names of its fields and the three shapes of its dates; knows nothing of where papers go.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, Field

from chatbot.errors import SourceError
from chatbot.records import Paper, Skipped
from chatbot.sources.fields import make_paper, paper_or_skipped
from chatbot.sources.jsonl import load_json

NAME = "CSL-JSON"
RANK = 2
_ARRAY = re.compile(r"\s*\[\s*(?:\{|\])")


class _Name(BaseModel):
    family: str = ""
    given: str = ""
    literal: str = ""
    particle: str = Field("", alias="non-dropping-particle")
    dropping: str = Field("", alias="dropping-particle")
    suffix: str = ""

    def __str__(self) -> str:
        parts = (self.given, self.dropping, self.particle, self.family, self.suffix)
        return self.literal or " ".join(filter(None, parts))


class _Date(BaseModel):
    parts: list[list[int | str]] = Field([], alias="date-parts")
    raw: str = ""
    literal: str = ""

    def __str__(self) -> str:
        first = self.parts[0] if self.parts else []
        return str(first[0]) if first else self.raw or self.literal


class _Item(BaseModel):
    title: str | None = None
    abstract: str | None = None
    author: list[_Name] | None = None
    venue: str | None = Field(None, alias="container-title")
    issued: _Date | None = None
    url: str | None = Field(None, alias="URL")
    doi: str | None = Field(None, alias="DOI")
    number: str | int | None = None


def recognises(path: Path, head: str) -> bool:
    """Tell whether the file is an array of objects."""
    return bool(_ARRAY.match(head))


def read(path: Path) -> Iterator[Paper | Skipped]:
    """Yield a Paper an item. Raises SourceError, with the line, when the array is not valid JSON."""
    items = load_json(path)
    if not isinstance(items, list) or not items:
        raise SourceError(f"{path} holds no list of papers; export it again")
    for number, item in enumerate(items, 1):
        yield paper_or_skipped(f"item {number}", _to_paper, item)


def _to_paper(item: object) -> Paper:
    read = _Item.model_validate(item)
    return make_paper(
        title=read.title or "",
        abstract=read.abstract or "",
        authors=map(str, read.author or ()),
        venue=read.venue or "",
        year=str(read.issued or ""),
        url=read.url or "",
        doi=read.doi or "",
        arxiv=str(read.number or ""),
    )
