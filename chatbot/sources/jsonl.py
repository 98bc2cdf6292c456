"""JSON Lines, gzipped or not: one paper an object with id, title, abstract, authors, venue, year, url.

Knows JSON and the names of the fields; knows nothing of where papers go.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chatbot.records import Paper, Skipped
from chatbot.sources.text import read_lines

NAME = "JSONL (title, abstract, …)"


def recognises(path: Path, head: str) -> bool:
    """Tell whether a line of ``head`` begins a JSON object, or the name says so."""
    return ".jsonl" in path.suffixes or any(line.lstrip().startswith("{") for line in head.splitlines())


def read(path: Path) -> Iterator[Paper | Skipped]:
    """Yield a Paper a line; ``id`` is empty when the record has none. Only title and abstract are required."""
    return read_records(path, {"id": "id", "title": "title", "abstract": "abstract"})


def read_records(path: Path, fields: dict[str, str], needs_title: bool = True) -> Iterator[Paper | Skipped]:
    """Yield the papers of ``path``, with the names of its fields for id, title and abstract in ``fields``.

    Without ``needs_title``, a paper that has none is called by the first words of its abstract.
    """
    for number, line in read_lines(path):
        if line is None:
            yield Skipped(f"line {number}", "the file breaks off here: damaged gzip")
            continue
        if not line.strip():
            continue
        try:
            record = json.loads(line.decode("utf-8-sig"))
            if not isinstance(record, dict):
                raise ValueError("not an object")
            yield _to_paper(record, fields, needs_title)
        except UnicodeDecodeError:
            yield Skipped(f"line {number}", "not UTF-8")
        except json.JSONDecodeError as error:
            yield Skipped(f"line {number}", f"not valid JSON ({error.msg})")
        except (ValueError, RecursionError) as error:
            yield Skipped(f"line {number}", str(error) or "nested too deeply")


def _to_paper(record: dict[str, Any], fields: dict[str, str], needs_title: bool) -> Paper:
    title, abstract = (_text(record.get(fields[key]), key) for key in ("title", "abstract"))
    title = " ".join(title.split() or ([] if needs_title else abstract.split()[:12]))
    for key, value in (("title", title), ("abstract", abstract)):
        if not value:
            raise ValueError(f"no {key}")
    authors = record.get("authors") or []
    if isinstance(authors, str):
        authors = [authors]
    if not isinstance(authors, list):
        raise ValueError("authors is not a list")
    return Paper(
        id=_text(record.get(fields["id"]), "id"),
        title=title,
        abstract=abstract,
        authors=tuple(_text(author, "author") for author in authors),
        venue=_text(record.get("venue"), "venue"),
        year=_year(record.get("year")),
        url=_text(record.get("url"), "url"),
    )


def _text(value: Any, name: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str | int | float):
        raise ValueError(f"{name} is not text")
    # Lone surrogates are valid in JSON escapes but in no file or index.
    return str(value).encode("utf-8", "replace").decode().strip()


def _year(value: Any) -> int | None:
    if value in (None, ""):
        return None
    try:
        year = int(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError("year is not a number") from error
    if not 0 < year < 10_000:
        raise ValueError(f"{str(value)[:20]} is no year")
    return year
