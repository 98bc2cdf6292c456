"""The papers that all peers get, and what is asked of them: seed papers, a BEIR folder, the first so many of a file.

Knows files of papers and BEIR's judgements; knows nothing of peers. A text is the title once, a line break, and the
abstract.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from chatbot.errors import InputError
from chatbot.ingest import name_sources
from chatbot.records import Paper
from chatbot.sources import read_papers
from evals.retrieval import read_qrels, read_queries

QUESTION = "What mIoU does FRNet reach on nuScenes, and how fast is it?"
TITLES = 200  # asked for where a collection has no queries


@dataclass(frozen=True, slots=True)
class Collection:
    """``question`` is put to a peer's language model; where there is none, or no judgements, that is not measured."""

    name: str
    papers: Sequence[Mapping[str, str]]
    queries: Mapping[str, str]
    qrels: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    question: str = ""


def gather_collections(sizes: Sequence[int], beir: Path | None, papers: Path | None) -> list[Collection]:
    """Return a collection for each size, and the whole of the BEIR collection, smallest first.

    Sizes that the seed papers have are taken from them, others from ``papers``. Raises InputError for too few.
    """
    seeds = _read(name_sources([])[0][1])
    found = [_cut("seeds", seeds, size) for size in sizes if size <= len(seeds)]
    if large := [size for size in sizes if size > len(seeds)]:
        if not papers:
            raise InputError(f"{large[0]} papers are more than the {len(seeds)} seed papers; give --papers FILE")
        some = _read(papers, max(large))
        found += [_cut(papers.name.split(".")[0], some, size) for size in large]
    if beir:
        found.append(_read_beir(beir))
    return sorted(found, key=lambda one: len(one.papers))


def _cut(name: str, papers: Sequence[Mapping[str, str]], size: int) -> Collection:
    if len(papers) < size:
        raise InputError(f"{name} has {len(papers)} papers; give a smaller size than {size}")
    some = papers[:size]
    queries = {paper["id"]: paper["title"] for paper in some[:TITLES]}
    return Collection(name, some, queries, question=QUESTION if name == "seeds" else "")


def _read_beir(folder: Path) -> Collection:
    queries, qrels = read_queries(folder), read_qrels(folder)
    return Collection(folder.name, _read(folder), {key: queries[key] for key in qrels if key in queries}, qrels)


def _read(source: str | Path, most: int | None = None) -> list[dict[str, str]]:
    return list(islice(_with_abstracts(source), most))


def _with_abstracts(source: str | Path) -> Iterator[dict[str, str]]:
    for paper in read_papers(source):
        if isinstance(paper, Paper) and paper.abstract:
            yield {"id": paper.id, "title": paper.title, "abstract": paper.abstract, "text": paper.text}
