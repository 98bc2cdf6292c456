"""Works of OpenAlex: lines of its snapshot, answers of its API, or a list of works.

Knows the names of its fields and its inverted abstracts; knows nothing of how works are fetched.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from chatbot.records import Paper, Skipped
from chatbot.sources.fields import make_paper, paper_or_skipped
from chatbot.sources.jsonl import load_json, read_objects
from chatbot.sources.text import read_head

NAME = "OpenAlex works"
RANK = 1
_WORK = re.compile(r'"abstract_inverted_index"|"id"\s*:\s*"https://openalex\.org/W')
_DOCUMENT = re.compile(r"\s*(?:\[|\{\s*\n)")


class _Named(BaseModel):
    display_name: str | None = None


class _Authorship(BaseModel):
    author: _Named | None = None


class _Location(BaseModel):
    landing_page_url: str | None = None
    source: _Named | None = None


class _Work(BaseModel):
    id: str | None = None
    doi: str | None = None
    title: str | None = None
    display_name: str | None = None
    publication_year: int | None = None
    abstract: str | None = None
    abstract_inverted_index: dict[str, list[int]] | None = None
    authorships: list[_Authorship] | None = None
    primary_location: _Location | None = None


def recognises(path: Path, head: str) -> bool:
    """Tell whether a work's id or its inverted abstract stands in ``head``."""
    return head.lstrip()[:1] in ("{", "[") and bool(_WORK.search(head))


def read(path: Path) -> Iterator[Paper | Skipped]:
    """Yield a Paper a work. Raises SourceError, with the line, when a file of one document is not valid JSON."""
    for item in _works(path):
        yield item if isinstance(item, Skipped) else paper_or_skipped(item[0], _to_paper, item[1])


def _works(path: Path) -> Iterator[tuple[str, object] | Skipped]:
    if _DOCUMENT.match(read_head(path)):
        yield from _unpack("", load_json(path))
        return
    for item in read_objects(path):
        if isinstance(item, Skipped):
            yield item
        else:
            yield from _unpack(item[0], item[1])


def _unpack(where: str, found: object) -> Iterator[tuple[str, object]]:
    """Yield the works of a list, of an answer with ``results``, or the one work."""
    works = found.get("results") if isinstance(found, dict) else found
    if not isinstance(works, list):
        yield where or "work 1", found
        return
    for number, work in enumerate(works, 1):
        yield f"{where} work {number}".lstrip(), work


def _to_paper(record: Any) -> Paper:
    work = _Work.model_validate(record)
    place = work.primary_location or _Location()
    return make_paper(
        id=(work.id or "").removeprefix("https://openalex.org/"),
        title=work.title or work.display_name or "",
        abstract=_restore(work.abstract_inverted_index or {}) or work.abstract or "",
        authors=[each.author.display_name or "" for each in work.authorships or () if each.author],
        venue=(place.source.display_name or "") if place.source else "",
        year=work.publication_year,
        url=place.landing_page_url or "",
        doi=work.doi or "",
    )


def _restore(inverted: dict[str, list[int]]) -> str:
    """Return the text whose words stand at the positions that ``inverted`` gives for each."""
    placed = sorted((at, word) for word, positions in inverted.items() for at in positions)
    return " ".join(word for _, word in placed)
