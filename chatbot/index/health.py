"""What an index holds, whether its parts agree, and how to make them agree again.

Knows the manifest and both stores as they lie on disk, or the vectors on a server; knows nothing of models, so it only
names the papers that lack vectors.
"""

import json
import re
import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from chatbot.errors import IndexAway, IndexBroken, IndexBusy, IndexMissing
from chatbot.index.abstracts import ABSTRACTS, AbstractVectors
from chatbot.index.catalogue import CATALOGUE
from chatbot.index.disk import remove_path
from chatbot.index.entry import pack_ids
from chatbot.index.lexical import LexicalIndex
from chatbot.index.manifest import FORMAT, Manifest
from chatbot.index.packs import read_pack
from chatbot.index.paper_index import PaperIndex
from chatbot.index.place import Folder, Server, find_place, forget_stores
from chatbot.index.rows import scan_packs, scan_passages
from chatbot.index.vectors import VectorStore, delete_rows
from chatbot.index.writer import describe

_SEGMENT = re.compile(r"[0-9a-f]{32}\..+")
_FOOTER = 1337  # tantivy's mark at the end of each file, after a length and JSON with the CRC-32 of what is before
_LENGTH_ERROR = 1e-3


@dataclass(frozen=True, slots=True)
class Stats:
    """Counts of an index; ``bytes`` by part of it, ``sources`` with the number of papers that each has.

    What lies on a ``server`` (empty when there is none) takes none of the bytes.
    """

    folder: str
    server: str
    embedding: str
    generation: int
    fingerprint: str
    papers: int
    passages: int
    sentences: int
    bytes: dict[str, int]
    sources: dict[str, int]


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault of an index, and what to do about it."""

    fault: str
    fix: str


@dataclass(slots=True)
class Rows:
    """What is wrong with the rows of a vector store: orphans belong to no paper, incomplete papers lack a vector."""

    papers: dict[str, dict[str, Any]]
    orphans: tuple[list[str], list[str]]  # passages, then packs
    incomplete: set[str] = field(default_factory=set)


def measure(folder: Path, server: Server | None = None) -> Stats:
    """Return what the index in ``folder`` holds. Raises IndexMissing, IndexAway or IndexBroken."""
    index = PaperIndex(folder, find_place(folder, server).load().embedding, server)
    with index.place.guard():
        sources = Counter(source for each in index.listed() for source in each.sources)
        sentences = sum(each.sentences for each in index.listed())
        sizes = index.place.sizes(index.manifest.store)
    known = index.manifest
    return Stats(
        folder=str(folder),
        server=str(server or ""),
        embedding=known.embedding,
        generation=known.generation,
        fingerprint=known.fingerprint,
        papers=known.papers,
        passages=known.passages,
        sentences=sentences,
        bytes=sizes,
        sources=dict(sources),
    )


def verify(folder: Path, server: Server | None = None) -> list[Finding]:
    """Return what is wrong with the index in ``folder``, nothing when all is well; changes nothing.

    Raises IndexMissing where there is none, IndexBusy while another process writes, IndexAway without its server.
    """
    repair = f"run: chatbot index repair --index {folder}"
    rebuild = f"run: chatbot ingest --index {folder} --rebuild"
    place = find_place(folder, server)
    try:
        place.load()  # where there is none, no lock makes a folder
        with place.guard(), place.lock():
            manifest = place.load()
            forget_stores()
            return [*_check(place, manifest, repair, rebuild)]
    except (IndexMissing, IndexBusy, IndexAway):
        raise
    except IndexBroken as error:
        fault, _, fix = str(error).partition("; ")
        return [Finding(fault, fix)]


def _check(place: Folder, manifest: Manifest, repair: str, rebuild: str) -> Iterator[Finding]:
    if manifest.format != FORMAT:
        yield Finding(f"made by another version of this program (format {manifest.format}, not {FORMAT})", rebuild)
        return
    if manifest.writing:
        yield Finding("a write was cut off", repair)
    if not place.has_vectors(manifest.store):
        yield Finding("the vector store is missing", f"{rebuild}, and ingest the sources again")
        return
    vectors = place.open_vectors(manifest.store)
    found, rows = Manifest(manifest.embedding), _scan(vectors)
    describe(found, ((key, each["record_hash"]) for key, each in rows.papers.items()), len(vectors))
    for what in ("papers", "passages", "fingerprint"):
        told, is_so = getattr(manifest, what), getattr(found, what)
        if told != is_so:
            yield Finding(
                f"the manifest tells of {what} {told}, the vector store has {is_so}",
                f"{repair} (papers that are lost come back with an ingest of their sources)",
            )
    orphans = sum(map(len, rows.orphans))
    if orphans:
        yield Finding(f"{orphans} rows of the vector store belong to no paper", repair)
    for paper_id in sorted(rows.incomplete):
        yield Finding(f"paper {paper_id} lacks a vector, or has one that is no unit vector", repair)
    derived = place.derived(manifest.store)
    yield from (Finding(fault, repair) for fault in _check_lexical(derived / "lexical", set(rows.papers)))
    abstracts = AbstractVectors(derived, vectors)
    if differing := abstracts.find_differing(manifest.generation, set(rows.papers)) - rows.incomplete:
        yield Finding(f"the file of the abstracts' vectors tells {len(differing)} papers otherwise", repair)


def _scan(vectors: VectorStore) -> Rows:
    rows = Rows({paper.id: stored for paper, stored in vectors.all_papers()}, ([], []))
    passages = {key: stored["passages"] for key, stored in rows.papers.items()}
    for chunk_id, vector, paper_id in scan_passages(vectors):
        if int(chunk_id.rpartition("#")[2]) >= rows.papers.get(paper_id, {"passages": 0})["passages"]:
            rows.orphans[0].append(chunk_id)
        elif abs(np.linalg.norm(vector) - 1) < _LENGTH_ERROR:  # false for what is not a number too
            passages[paper_id] -= 1
    packs = {key for stored in rows.papers.values() for key in pack_ids(stored)}
    sentences = {key: stored["sentences"] + 1 for key, stored in rows.papers.items()}  # and the first passage
    for key, packed in scan_packs(vectors):
        paper_id = key.rpartition("#")[0]
        if key not in packs:
            rows.orphans[1].append(key)
        else:
            sentences[paper_id] -= _count_whole(packed, rows.papers[paper_id]["text_hash"])
    rows.incomplete = {key for counts in (passages, sentences) for key, left in counts.items() if left}
    return rows


def _count_whole(packed: str, digest: str) -> int:
    """Return how many pieces of the text with the hash ``digest`` have a vector."""
    try:
        pack = read_pack(packed, digest)
    except ValueError:
        return 0
    return pack.whole if pack else 0


def _check_lexical(folder: Path, papers: set[str]) -> Iterator[str]:
    """Tell what is wrong with the index of words; it is looked at without opening it where that would make it anew."""
    if not (folder / "meta.json").exists():
        yield "the index of words is missing"
        return
    broken = [path.name for path in folder.iterdir() if _SEGMENT.fullmatch(path.name) and not _is_whole(path)]
    if broken:
        yield f"{len(broken)} files of the index of words are cut off or changed, as {broken[0]}"
        return
    try:
        ids = LexicalIndex(folder).ids()
    except (OSError, ValueError) as error:
        yield f"the index of words cannot be read ({' '.join(str(error).split())[:80]})"
        return
    if ids != papers:
        yield f"the index of words lacks {len(papers - ids)} papers and has {len(ids - papers)} that are gone"


def _is_whole(path: Path) -> bool:
    content = path.read_bytes()
    try:
        length, mark = struct.unpack("<II", content[-8:])
        checksum: int = json.loads(content[-8 - length : -8])["crc"]
    except (struct.error, ValueError, KeyError, TypeError):
        return False
    return bool(mark == _FOOTER and zlib.crc32(content[: -8 - length]) == checksum)


def repair(folder: Path, server: Server | None = None) -> tuple[int, list[str]]:
    """Make both stores and the manifest agree; return how many rows were removed, and the papers that lack vectors.

    The index of words and the manifest's counts are derived again. Raises IndexBroken where that is not enough.
    """
    place = find_place(folder, server)
    place.load()
    with place.guard(), place.lock():
        manifest = place.load()
        forget_stores()
        if not place.has_vectors(manifest.store):
            raise IndexBroken(f"the vector store of {place} is missing; move {folder} away and ingest again")
        vectors = place.open_vectors(manifest.store)
        rows = _scan(vectors)
        for collection, orphans in zip(vectors.collections, rows.orphans, strict=True):
            delete_rows(collection, orphans)
        for derived in ("lexical", CATALOGUE, ABSTRACTS):
            remove_path(place.derived(manifest.store) / derived)
        manifest.writing = True  # so that opening it derives the rest
        place.save(manifest)
    forget_stores()
    PaperIndex(folder, manifest.embedding, server)
    return sum(map(len, rows.orphans)), sorted(rows.incomplete)
