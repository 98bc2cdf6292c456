"""An index as one file that another machine can read: a tar archive of JSON Lines and NumPy arrays.

Knows the archive's layout and trusts nothing in it; knows nothing of stores. Nothing is unpacked to disk: members are
read one after the other, and any that is not the next expected one ends the reading.

Layout: ``snapshot.json`` (format, embedding, dimensions, papers, fingerprint), then for each few hundred papers
``papers-00000.jsonl`` (``paper``, ``records``, ``passages``, ``sentences`` as start and end) and ``vectors-00000.npy``,
float32 of shape (chunks, dimensions), each paper's passages before its sentences.
"""

import io
import json
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from chatbot.errors import InputError, SourceError
from chatbot.index.entry import Entry
from chatbot.index.manifest import Manifest
from chatbot.index.packs import Vectors
from chatbot.index.rows import make_sentence
from chatbot.records import Chunk, Paper, Record

FORMAT = 2
_HEAD = "snapshot.json"


@dataclass(frozen=True, slots=True)
class Head:
    """What a snapshot says of itself."""

    format: int
    embedding: str
    dimensions: int
    papers: int
    fingerprint: str


def write_snapshot(file: Path, manifest: Manifest, pages: Iterable[Sequence[Entry]]) -> None:
    """Write ``pages`` of the index with ``manifest`` to ``file``, which is replaced only once all is written.

    Raises InputError when there is no paper, or ``file`` cannot be written.
    """
    draft = Path(f"{file}.new")  # for with_name, "." has no name
    try:
        with tarfile.open(draft, "w") as archive:
            number = -1
            for number, page in enumerate(pages):
                vectors = np.concatenate([entry.vectors for entry in page])
                if not number:
                    head = Head(FORMAT, manifest.embedding, vectors.shape[1], manifest.papers, manifest.fingerprint)
                    _add(archive, _HEAD, json.dumps(asdict(head)).encode())
                lines = (json.dumps(_to_dict(entry)) + "\n" for entry in page)
                _add(archive, f"papers-{number:05}.jsonl", "".join(lines).encode())
                stream = io.BytesIO()
                np.save(stream, vectors, allow_pickle=False)
                _add(archive, f"vectors-{number:05}.npy", stream.getvalue())
        if number < 0:
            raise InputError("nothing is indexed, so there is nothing to export")
        draft.replace(file)
    except OSError as error:
        raise InputError(f"{file} cannot be written ({error.strerror}); choose another file") from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


@contextmanager
def open_snapshot(file: Path) -> Iterator[tuple[Head, Iterator[list[Entry]]]]:
    """Yield what the snapshot in ``file`` says of itself, and its papers with their vectors, a page at a time.

    Raises SourceError for a file that is no snapshot, is cut off, or holds anything that does not belong there.
    """
    with ExitStack() as stack:
        with _explain(file):
            archive = stack.enter_context(tarfile.open(file, "r:"))
            head = _read_head(archive)
        yield head, _read_pages(file, archive, head)


@contextmanager
def _explain(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SourceError(f"{file} cannot be read ({error.strerror or error}); choose another file") from error
    except (tarfile.TarError, ValueError, KeyError, TypeError, IndexError, EOFError, MemoryError) as error:
        reason = " ".join(str(error).split())[:120]
        raise SourceError(
            f"{file} is no whole snapshot of an index ({reason}); make one with: chatbot index export FILE"
        ) from error


def _read_head(archive: tarfile.TarFile) -> Head:
    head = Head(**json.loads(_read(archive, archive.next(), _HEAD)))
    if head.format != FORMAT:
        raise ValueError(f"format {head.format}, this version reads {FORMAT}")
    return head


def _read_pages(file: Path, archive: tarfile.TarFile, head: Head) -> Iterator[list[Entry]]:
    papers = 0
    with _explain(file):  # here, because what writes an index takes every other error for its own
        for number in count():
            if (member := archive.next()) is None:
                break
            lines = _read(archive, member, f"papers-{number:05}.jsonl").decode().splitlines()
            vectors = _read_vectors(_read(archive, archive.next(), f"vectors-{number:05}.npy"), head.dimensions)
            papers += len(lines)
            yield _read_page(lines, vectors)
        if papers != head.papers:
            raise ValueError(f"{papers} of {head.papers} papers are there")


def _read_vectors(content: bytes, dimensions: int) -> Vectors:
    vectors: Vectors = np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)  # np.load opens a zip too
    if vectors.dtype != np.float32 or vectors.ndim != 2 or vectors.shape[1] != dimensions:
        raise ValueError(f"vectors of {vectors.dtype}, shape {vectors.shape}")
    if not np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3):
        raise ValueError("vectors that are no unit vectors")
    return vectors


def _read(archive: tarfile.TarFile, member: tarfile.TarInfo | None, name: str) -> bytes:
    if member is None:
        raise ValueError(f"it ends before {name}")
    if member.name != name or member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.issparse():
        raise ValueError(f"{member.name!r} stands where {name} belongs")
    stream = archive.extractfile(member)
    content = stream.read() if stream else b""
    if len(content) != member.size:
        raise ValueError(f"{name} is cut off")
    return content


def _to_dict(entry: Entry) -> dict[str, Any]:
    return {
        "paper": asdict(entry.paper),
        "records": [[record.source, asdict(record.paper)] for record in entry.records],
        "passages": len(entry.passages),
        "sentences": [[chunk.start, chunk.end] for chunk in entry.sentences],
    }


def _read_page(lines: Sequence[str], vectors: Vectors) -> list[Entry]:
    entries, at = list[Entry](), 0
    for line in lines:
        fields = json.loads(line)
        paper = _to_paper(fields["paper"])
        records = [Record(str(source), _to_paper(each)) for source, each in fields["records"]]
        if (count := int(fields["passages"])) > len(vectors):
            raise ValueError(f"{count} passages, but {len(vectors)} vectors")
        passages = [Chunk(f"{paper.id}#{n}", paper.id, "", 0, 0) for n in range(count)]
        sentences = [
            make_sentence(paper, number, int(start), int(end))
            for number, (start, end) in enumerate(fields["sentences"])
        ]
        if not passages or not records or not all(0 <= c.start < c.end <= len(paper.text) for c in sentences):
            raise ValueError(f"paper {paper.id} does not fit its chunks")
        entry = Entry(paper, records, passages, sentences)
        entry.vectors = vectors[at : (at := at + len(passages) + len(sentences))]
        entries.append(entry)
    if at != len(vectors):
        raise ValueError(f"{len(vectors)} vectors for {at} chunks")
    return entries


def _to_paper(fields: dict[str, Any]) -> Paper:
    authors, pages = tuple(map(str, fields["authors"])), tuple(map(int, fields.get("pages", ())))
    paper = Paper(**fields | {"authors": authors, "pages": pages})
    texts = (paper.id, paper.title, paper.abstract, paper.venue, paper.url, paper.doi, paper.arxiv_id, paper.body)
    if not all(isinstance(each, str) for each in texts) or not isinstance(paper.year, int | None):
        raise ValueError("a paper's fields are not of their kinds")
    return paper
