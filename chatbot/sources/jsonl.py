"""JSON Lines, gzipped or not: one paper an object with id, title, abstract, authors, venue, year, url, doi, arxiv_id.

Knows JSON and the names of the fields; knows nothing of where papers go.
"""

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from chatbot.errors import SourceError
from chatbot.records import Paper, Skipped
from chatbot.sources.fields import find_identifiers, paper_or_skipped, require_abstract
from chatbot.sources.text import read_lines, read_text

NAME = "JSONL (title, abstract, …)"
RANK = 3


def recognises(path: Path, head: str) -> bool:
    """Tell whether a line of ``head`` begins a JSON object, or the name says so."""
    return ".jsonl" in path.suffixes or any(line.lstrip().startswith("{") for line in head.splitlines())


def read(path: Path) -> Iterator[Paper | Skipped]:
    """Yield a Paper a line; ``id`` is empty when the record has none. Only title and abstract are required."""
    return read_records(path, partial(to_paper, fields={"id": "id", "title": "title", "abstract": "abstract"}))


def read_records(path: Path, to_paper: Callable[[dict[str, Any]], Paper]) -> Iterator[Paper | Skipped]:
    """Yield what ``to_paper`` makes of each record of ``path``, a Skipped where it raises ValueError."""
    for item in read_objects(path):
        yield item if isinstance(item, Skipped) else paper_or_skipped(item[0], to_paper, item[1])


def read_objects(path: Path) -> Iterator[tuple[str, dict[str, Any]] | Skipped]:
    """Yield the place and the object of each line of ``path``, and a Skipped for a line that is none."""
    for number, line in read_lines(path):
        where = f"line {number}"
        if line is None:
            yield Skipped(where, "the file breaks off here: damaged gzip")
            continue
        if not line.strip():
            continue
        try:
            record = json.loads(line.decode("utf-8-sig"))
        except UnicodeDecodeError:
            yield Skipped(where, "not UTF-8")
        except json.JSONDecodeError as error:
            yield Skipped(where, f"not valid JSON ({error.msg})")
        except (ValueError, RecursionError):
            yield Skipped(where, "a number too long or nested too deeply")
        else:
            yield (where, record) if isinstance(record, dict) else Skipped(where, "not an object")


def load_json(path: Path) -> object:
    """Return the one value that ``path`` holds. Raises SourceError, with the line, when it is not valid JSON."""
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise SourceError(f"{path} line {error.lineno} is not valid JSON ({error.msg}); fetch it again") from error
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{path} is not usable JSON (a number or a nesting too large); fetch it again") from error


def to_paper(record: dict[str, Any], fields: dict[str, str], needs_title: bool = True) -> Paper:
    """Return the paper of ``record``, with the names of its fields for id, title and abstract in ``fields``.

    Without ``needs_title``, a paper that has none is called by the first words of its abstract. Raises ValueError.
    """
    title, abstract = (_text(record.get(fields[key]), key) for key in ("title", "abstract"))
    title = " ".join(title.split() or ([] if needs_title else abstract.split()[:12]))
    if not title:
        raise ValueError("no title")
    authors = record.get("authors") or []
    if isinstance(authors, str):
        authors = [authors]
    if not isinstance(authors, list):
        raise ValueError("authors is not a list")
    own_id, doi, arxiv_id, url = (_text(record.get(name), name) for name in (fields["id"], "doi", "arxiv_id", "url"))
    doi, arxiv_id = find_identifiers(doi, arxiv_id or own_id, url)
    paper = Paper(
        id=own_id,
        title=title,
        abstract=abstract,
        authors=tuple(_text(author, "author") for author in authors),
        venue=_text(record.get("venue"), "venue"),
        year=_year(record.get("year")),
        url=url,
        doi=doi,
        arxiv_id=arxiv_id,
    )
    return require_abstract(paper)


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
