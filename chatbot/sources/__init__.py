"""Read papers from files, folders, standard input and the network: one module in this folder a kind of source.

Finds the module by a file's content or a source's name and gives every paper an id; knows nothing of chunks, vectors or
the index. To add a kind, write a module that is a Format or a Service: nothing else needs to know it.
"""

import hashlib
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from tempfile import TemporaryDirectory
from typing import Any, Protocol, runtime_checkable

from chatbot.errors import SourceError
from chatbot.records import Paper, Skipped
from chatbot.settings import Settings, load_settings
from chatbot.sources.columns import parse_columns
from chatbot.sources.text import read_head


class Format(Protocol):
    """What a module for a kind of file offers. A lower ``RANK`` is asked first, as the less often mistaken one."""

    NAME: str
    RANK: int

    def recognises(self, path: Path, head: str) -> bool:
        """Tell whether the file at ``path``, which begins with ``head``, is in this format."""

    def read(self, path: Path) -> Iterator[Paper | Skipped]:
        """Yield the papers of ``path``, and a Skipped for each record that is not one."""


@runtime_checkable
class FullFormat(Format, Protocol):
    """What a module for a kind of file offers that may hold full texts."""

    def read_whole(self, path: Path) -> Iterator[Paper | Skipped]:
        """Yield what ``read`` does, with all of each paper's text."""


@runtime_checkable
class TableFormat(Format, Protocol):
    """What a module for a kind of file offers whose columns can be named."""

    def read_columns(self, path: Path, named: Mapping[str, str]) -> Iterator[Paper | Skipped]:
        """Yield what ``read`` does, from the columns ``named`` for some fields of a paper."""


class Service(Protocol):
    """What a module for a source that is asked over the network offers."""

    NAME: str

    def claims(self, name: str) -> bool:
        """Tell whether a source written as ``name`` is this service's."""

    def read(self, name: str, settings: Settings) -> Iterator[Paper | Skipped]:
        """Yield the papers that ``name`` asks for, and a Skipped for each record that is not one."""


STDIN = Path("-")
_ID_CHARS = 80


def read_papers(source: str | Path, settings: Settings | None = None) -> Iterator[Paper | Skipped]:
    """Yield the papers of a file, a folder, a service or standard input; a bad record is a Skipped.

    With ``settings.full_text`` these are full texts where files hold them. Every paper gets an id that no other of this
    source has: the record's own, else one made from the title.
    Raises SourceError for a source that cannot be read at all, or no further.
    """
    if service := find_service(source):
        return _with_ids(service.read(str(source), settings or load_settings()), {})
    path = Path(source)
    if path == STDIN:
        return _read_stdin(settings)
    if not path.exists():
        raise SourceError(f"{path} does not exist; give a file or a folder, or {_names(_services())}")
    if path.is_dir():
        return _read_folder(path, settings)
    head = read_head(path)
    form = _find_format(path, head)
    if not form:
        problem = "is not a text file, and" if "\0" in head else "is"
        raise SourceError(f"{path} {problem} in no known format; known are: {_names(_formats())}")
    return _with_ids(_read_file(form, path, settings), {})


def find_service(source: str | Path) -> Service | None:
    """Return the service that ``source`` is written for, None when it is a file, a folder or standard input."""
    return next((service for service in _services() if service.claims(str(source))), None)


def is_complete(source: str | Path) -> bool:
    """Tell whether ``source`` gives all it has: services and standard input may give something else next time."""
    return Path(source) != STDIN and not find_service(source)


@cache
def _modules() -> list[Any]:
    return [import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__)]


def _formats() -> list[Format]:
    found = [module for module in _modules() if hasattr(module, "recognises")]
    return sorted(found, key=lambda form: (form.RANK, form.__name__))


def _services() -> list[Service]:
    return [module for module in _modules() if hasattr(module, "claims")]


def _find_format(path: Path, head: str) -> Format | None:
    return next((form for form in _formats() if form.recognises(path, head)), None)


def _names(kinds: Sequence[Format] | Sequence[Service]) -> str:
    return ", ".join(kind.NAME for kind in kinds)


def _read_stdin(settings: Settings | None) -> Iterator[Paper | Skipped]:
    """Yield the papers of standard input, which is copied first: a format is known by reading the start twice."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "papers"
        with path.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        try:
            yield from read_papers(path, settings)
        except SourceError as error:
            raise SourceError(str(error).replace(str(path), "standard input")) from error


def _read_folder(folder: Path, settings: Settings | None) -> Iterator[Paper | Skipped]:
    """Yield the papers of all files in ``folder`` that are in a known format; one that is damaged is a Skipped."""
    seen, is_known = dict[str, bytes](), False
    for file in _walk(folder):
        name = str(file.relative_to(folder))
        try:
            form = _find_format(file, read_head(file))
            is_known = is_known or form is not None
            for item in _with_ids(_read_file(form, file, settings), seen) if form else ():
                yield replace(item, where=f"{name} {item.where}") if isinstance(item, Skipped) else item
        except SourceError as error:
            yield Skipped(name, str(error).removeprefix(f"{file} "))
    if not is_known:
        raise SourceError(f"{folder} holds no file in a known format; known are: {_names(_formats())}")


def _read_file(form: Format, path: Path, settings: Settings | None) -> Iterator[Paper | Skipped]:
    if settings and settings.full_text and isinstance(form, FullFormat):
        return form.read_whole(path)
    if settings and settings.columns and isinstance(form, TableFormat):
        return form.read_columns(path, parse_columns(settings.columns))
    return form.read(path)


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
    """Yield ``items`` with an id for each paper; ``seen`` holds the ids taken, with a digest of each record."""
    for number, item in enumerate(items, 1):
        if isinstance(item, Skipped):
            yield item
            continue
        # A record without an id may say what an earlier one with the same text does not: both are put together later.
        told = item.text if item.id else repr((item, item.body))
        digest = hashlib.sha256(told.encode()).digest()
        paper = item if item.id else replace(item, id=make_id(item.title))
        if not item.id and seen.get(paper.id, digest) != digest:  # another paper with the same title
            paper = replace(paper, id=f"{paper.id}-{digest.hex()[:8]}")
        if paper.id in seen:
            is_copy = seen[paper.id] == digest
            reason = "the same paper again" if is_copy else "its id is taken by an earlier record"
            yield Skipped(f"record {number} ({paper.id})", reason, is_fault=not is_copy)
            continue
        seen[paper.id] = digest
        yield paper


def make_id(title: str) -> str:
    """Return a readable id made of the title's words; titles that differ only in a long tail differ in a hash."""
    slug = re.sub(r"\W+", "-", title.lower()).strip("-")
    if slug and len(slug) <= _ID_CHARS:
        return slug
    return f"{slug[:_ID_CHARS].rstrip('-')}-{hashlib.sha256(title.encode()).hexdigest()[:8]}".lstrip("-")
