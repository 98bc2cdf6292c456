"""The vectors of abstracts and of their sentences once more, in a file that is quick to read by paper.

Knows that file, in the folder of a store; knows nothing of queries. It is derived from the vector store and brought up
to it after each write; as long as it is behind, the store is asked.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence, Set
from contextlib import closing, suppress
from pathlib import Path

from chatbot.index.disk import remove_path
from chatbot.index.packs import Vectors, open_newest, read_rows
from chatbot.index.vectors import PAGE, VectorStore

ABSTRACTS = "abstracts.sqlite3"


class AbstractVectors:
    """The file in ``folder``, which belongs to the store ``vectors``."""

    def __init__(self, folder: Path, vectors: VectorStore) -> None:
        self._file, self._vectors, self._generation = folder / ABSTRACTS, vectors, -1
        with suppress(sqlite3.Error, TypeError), closing(self._open()) as file:
            (self._generation,) = file.execute("SELECT generation FROM state").fetchone()

    def read(self, paper_ids: Sequence[str], generation: int) -> dict[str, Vectors]:
        """Return vectors by paper id, as the store in its ``generation`` has them; see VectorStore.abstract_vectors."""
        if self._generation == generation:
            with suppress(sqlite3.Error), closing(self._open()) as file:
                asked = "SELECT id, dimensions, rows FROM abstracts WHERE id IN (SELECT value FROM json_each(?))"
                found = file.execute(asked, [json.dumps(paper_ids)]).fetchall()
                vectors = read_rows([rows for *_, rows in found], found[0][1]) if found else []
                return dict(zip((key for key, *_ in found), vectors, strict=True))
        return self._vectors.abstract_vectors(paper_ids)

    def find_differing(self, generation: int, there: Set[str]) -> Set[str]:
        """Return the ids of papers that the file tells otherwise than the store, which has those with ids ``there``.

        None while it is behind, and not read.
        """
        if self._generation != generation:
            return set()
        try:
            with closing(self._open()) as file:
                differing = {key for (key,) in file.execute("SELECT id FROM abstracts")} - there
                for key, *stored in self._read_packs(sorted(there)):
                    told = file.execute("SELECT dimensions, rows FROM abstracts WHERE id = ?", [key]).fetchone()
                    if told != tuple(stored):
                        differing.add(key)
        except sqlite3.Error:
            return there
        return differing

    def bring_up(self, generation: int, there: Set[str]) -> None:
        """Make the file hold what the store in its ``generation`` does, which has the papers with the ids ``there``.

        What is damaged in the store is left out.
        """
        if self._generation == generation:
            return
        try:
            self._write(generation, there)
        except sqlite3.OperationalError:  # as when the disk is full
            raise
        except sqlite3.DatabaseError:  # it is derived, so a damaged one is made anew
            remove_path(self._file)
            self._generation = -1
            self._write(generation, there)
        self._generation = generation

    def _write(self, generation: int, there: Set[str]) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self._file)) as file, file:
            file.execute("CREATE TABLE IF NOT EXISTS abstracts (id TEXT PRIMARY KEY, dimensions INTEGER, rows BLOB)")
            file.execute("CREATE TABLE IF NOT EXISTS state (generation INTEGER)")
            known = {key for (key,) in file.execute("SELECT id FROM abstracts")}
            changed = there
            if 0 <= self._generation < generation:
                changed = (there - known) | self._vectors.paper_ids(self._generation)
            file.executemany("DELETE FROM abstracts WHERE id = ?", [(key,) for key in known - there | known & changed])
            file.executemany("INSERT INTO abstracts VALUES (?, ?, ?)", self._read_packs(sorted(changed)))
            file.execute("DELETE FROM state")
            file.execute("INSERT INTO state VALUES (?)", [generation])

    def _read_packs(self, paper_ids: Sequence[str]) -> Iterator[tuple[str, int, bytes]]:
        for start in range(0, len(paper_ids), PAGE):
            for key, pack in self._vectors.abstract_packs(paper_ids[start : start + PAGE]).items():
                with suppress(ValueError):
                    yield key, *open_newest(pack)

    def _open(self) -> sqlite3.Connection:
        # Who finds it locked, as while it is brought up, had better ask the store than wait.
        return sqlite3.connect(f"{self._file.absolute().as_uri()}?mode=ro", uri=True, timeout=0)
