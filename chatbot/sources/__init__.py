"""Read papers from files, folders and standard input: one module a format, chosen by what the file contains.

Knows the list of formats and gives every paper an id; knows nothing of chunks, vectors or the index. To add
a format, write a module with ``NAME``, ``recognises`` and ``read`` and name it in ``FORMATS``.
"""

import hashlib
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
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
STDIN = Path("-")
_ID_CHARS = 80


def read_papers(path: Path) -> Iterator[Paper | Skipped]:
    """Yield the papers of the file or folder at ``path``, or of standard input; a bad record is a Skipped.

    Every paper gets an id that no other of this source has: the record's own, else one made from the title.
    Raises SourceError for a source that cannot be read at all.
    """
    if path == STDIN:
        return _read_stdin()
    if not path.exists():
        raise SourceError(f"{path} does not exist; give a file or a folder")
    if path.is_dir():
        return _read_folder(path)
    head = read_head(path)
    form = _find_format(path, head)
    if not form:
        problem = "is not a text file, and" if "\0" in head else "is"
        raise SourceError(f"{path} {problem} in no known format; known are: {_known()}")
    return _with_ids(form.read(path), {})


def _find_format(path: Path, head: str) -> Format | None:
    return next((form for form in FORMATS if form.recognises(path, head)), None)


def _known() -> str:
    return ", ".join(form.NAME for form in FORMATS)


def _read_stdin() -> Iterator[Paper | Skipped]:
    """Yield the papers of standard input, which is copied first: a format is known by reading the start twice."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "papers"
        with path.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        try:
            yield from read_papers(path)
        except SourceError as error:
            raise SourceError(str(error).replace(str(path), "standard input")) from error


def _read_folder(folder: Path) -> Iterator[Paper | Skipped]:
    """Yield the papers of all files in ``folder`` that are in a known format; one that is damaged is a Skipped."""
    seen, is_known = dict[str, bytes](), False
    for file in _walk(folder):
        name = str(file.relative_to(folder))
        try:
            form = _find_format(file, read_head(file))
            is_known = is_known or form is not None
            for item in _with_ids(form.read(file), seen) if form else ():
                yield replace(item, where=f"{name} {item.where}") if isinstance(item, Skipped) else item
        except SourceError as error:
            yield Skipped(name, str(error).removeprefix(f"{file} "))
    if not is_known:
        raise SourceError(f"{folder} holds no file in a known format; known are: {_known()}")


def _walk(folder: Path) -> Iterator[Path]:
    """Yield the files under ``folder`` in order: of a BEIR collection the corpus alone, and no hidden ones."""
    corpus = folder / "corpus.jsonl"
    try:
        children = [corpus] if corpus.exists() else sorted(folder.iterdir())
    except OSError as error:
        raise SourceError(f"{folder} cannot be read: {error.strerror}; check the permissions") from error
    for child in children:
        if child.name.startswith("."):
            continue
        if child.is_file():
            yield child
        elif child.is_dir() and not child.is_symlink():  # a link may lead back to where it stands
            yield from _walk(child)


def _with_ids(items: Iterator[Paper | Skipped], seen: dict[str, bytes]) -> Iterator[Paper | Skipped]:
    """Yield ``items`` with an id for each paper; ``seen`` holds the ids taken, with the digest of each text."""
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
