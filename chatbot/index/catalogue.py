"""All papers without their texts, quick to read as a whole: what filters and lists go through.

Knows one file in the folder of a store; knows nothing of filters. The file is derived from the vector store, and
brought up to it by the first to need it after a write.
"""

import json
import secrets
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from chatbot.index.vectors import VectorStore
from chatbot.records import Listed, Paper

CATALOGUE = "catalogue.jsonl"


def load_catalogue(
    folder: Path, generation: int, vectors: VectorStore, known: tuple[int, Iterable[Listed]] = (-1, ())
) -> tuple[Listed, ...]:
    """Return the papers of the index in its ``generation``, read from the file in ``folder``.

    Without reading where they are ``known`` of a generation. When that is an earlier one, what was stored since is
    brought in from ``vectors``; when the file is missing or damaged, all.
    """
    since, listed = known[0], {each.paper.id: each for each in known[1]}
    if since < 0:
        since, listed = _load(folder / CATALOGUE)
    if since > generation:  # as when the store was put back to what it was
        since, listed = -1, {}
    if since == generation:
        return tuple(listed.values())
    listed |= _list(vectors, since)
    ids = vectors.paper_ids()
    listed = {key: each for key, each in listed.items() if key in ids}
    if len(listed) != len(ids):  # as after a write by a version that did not stamp it
        listed = _list(vectors, -1)
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f"{CATALOGUE}.{secrets.token_hex(4)}"
    with draft.open("w", encoding="utf-8") as file:
        file.write(json.dumps({"generation": generation, "papers": len(listed)}) + "\n")
        file.writelines(json.dumps(_to_dict(each)) + "\n" for each in listed.values())
    draft.replace(folder / CATALOGUE)
    return tuple(listed.values())


def _list(vectors: VectorStore, since: int) -> dict[str, Listed]:
    return {
        paper.id: Listed(
            replace(paper, abstract="", body="", pages=()),
            tuple(stored["sources"]),
            stored["passages"],
            stored["sentences"],
            stored["record_hash"],
        )
        for paper, stored in vectors.all_papers(since)
    }


def _load(path: Path) -> tuple[int, dict[str, Listed]]:
    """Return of which generation the file is, and the papers by id; -1 and none when it cannot be used."""
    with suppress(OSError, ValueError, TypeError, KeyError, StopIteration), path.open(encoding="utf-8") as file:
        begin = json.loads(next(file))
        listed = {each.paper.id: each for each in _read(file)}
        if begin["papers"] == len(listed):
            return int(begin["generation"]), listed
    return -1, {}


def _read(lines: Iterable[str]) -> Iterator[Listed]:
    for line in lines:
        fields = json.loads(line)
        paper = fields["paper"]
        known = paper | {"authors": tuple(paper["authors"]), "pages": ()}
        yield Listed(
            Paper(**known), tuple(fields["sources"]), fields["passages"], fields["sentences"], fields["digest"]
        )


def _to_dict(listed: Listed) -> dict[str, Any]:
    """Return what ``asdict`` does, which copies each value and takes four times as long."""
    named = {each.name: getattr(listed, each.name) for each in fields(Listed)}
    return named | {"paper": {each.name: getattr(listed.paper, each.name) for each in fields(Paper)}}
