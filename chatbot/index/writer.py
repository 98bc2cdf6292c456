"""What may be done to an index while its lock is held, and what is then told of it.

Knows the two stores and the manifest; knows nothing of where they lie, nor of models.
"""

import hashlib
from collections.abc import Iterable, Sequence

from chatbot.identity import identity_keys
from chatbot.index.entry import Entry
from chatbot.index.lexical import LexicalIndex
from chatbot.index.manifest import Manifest
from chatbot.index.metadata import hash_record, read_records
from chatbot.index.place import Keep
from chatbot.index.vectors import VectorStore
from chatbot.records import Listed, Paper, Record


class Writer:
    """What may be done while the write lock is held. A call that returned is durable."""

    def __init__(self, vectors: VectorStore, lexical: LexicalIndex, keep: Keep, listed: Iterable[Listed] = ()) -> None:
        self._vectors, self._lexical, self._keep = vectors, lexical, keep
        self._listed = {each.paper.id: each for each in listed}
        self._alone = dict[str, dict[str, str]]()  # by source, the hashes of papers by id
        self.is_changed = False

    def stored(self, paper_ids: Sequence[str]) -> dict[str, tuple[Paper, list[Record]]]:
        """Return those papers that are stored, by id, each with the records that it is made of."""
        self._keep()  # as each batch asks, also one in which nothing is new
        return self._vectors.records(paper_ids)

    def find(self, keys: Iterable[str]) -> dict[str, list[str]]:
        """Return the ids of papers that a record of theirs has given each key; see LexicalIndex."""
        return self._lexical.find(keys)

    def had(self, source: str, papers: Sequence[Paper]) -> set[str]:
        """Return the ids of those papers that were there just so when writing began, and as what ``source`` says alone.

        One is left out when another paper shares a key with it: they may belong together by now.
        """
        if source not in self._alone:
            compound = self._vectors.ids_of_source(source)
            self._alone[source] = {
                key: listed.digest
                for key, listed in self._listed.items()
                if listed.sources == (source,) and key not in compound
            }
        alone = [paper for paper in papers if self._alone[source].get(paper.id) == hash_record(paper)]
        keys = {paper.id: identity_keys(paper) for paper in alone}
        sharing = self.find({key for each in keys.values() for key in each})
        return {own for own, each in keys.items() if all(set(sharing[key]) <= {own} for key in each)}

    def ids_of_source(self, source: str) -> dict[str, tuple[str, ...]]:
        """Return the ids of papers from ``source``, each with the ids that its records have there.

        These are the papers that were there when writing began; some may be removed since.
        """
        alone = {key: (key,) for key, listed in self._listed.items() if source in listed.sources}
        return alone | self._vectors.ids_of_source(source)

    def write(self, entries: Sequence[Entry]) -> None:
        """Store new or changed papers with their vectors."""
        self._begin()
        self._vectors.write(entries)
        self._lexical.add((entry.paper, name_keys(entry.records)) for entry in entries)

    def update(self, paper: Paper, records: Sequence[Record]) -> None:
        """Store new metadata of a paper whose text is unchanged."""
        self._begin()
        self._vectors.update_metadata(paper, records, self._vectors.metadata([paper.id])[paper.id])
        self._lexical.add([(paper, name_keys(records))])

    def remove(self, paper_ids: Sequence[str]) -> None:
        """Remove papers."""
        if paper_ids:
            self._begin()
            self._vectors.remove(paper_ids)
            self._lexical.remove(paper_ids)

    def _begin(self) -> None:
        self._keep()
        self.is_changed = True


def catch_up(lexical: LexicalIndex, vectors: VectorStore, since: int) -> set[str]:
    """Bring the words of the generation ``since`` up to the vectors, and return the ids of the papers there."""
    _add(lexical, vectors, since)
    there, known = vectors.paper_ids(), lexical.ids()
    lexical.remove(known - there)
    if there - known:  # as after a write by a version that did not stamp it
        _add(lexical, vectors, -1)
    lexical.commit()
    return there


def _add(lexical: LexicalIndex, vectors: VectorStore, since: int) -> None:
    if since < 0:
        lexical.clear()
    lexical.add((paper, name_keys(read_records(paper, stored))) for paper, stored in vectors.all_papers(since))
    lexical.commit()


def describe(manifest: Manifest, digests: Iterable[tuple[str, str]], passages: int) -> None:
    """Write into ``manifest`` that there are papers with these ids and hashes, of so many passages."""
    lines = sorted(f"{paper_id} {digest}" for paper_id, digest in digests)
    manifest.papers, manifest.passages = len(lines), passages
    manifest.fingerprint = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]


def name_keys(records: Sequence[Record]) -> list[str]:
    """Return the keys by which a paper made of ``records`` is recognised."""
    return list(dict.fromkeys(key for record in records for key in identity_keys(record.paper)))
