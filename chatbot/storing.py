"""Put changed papers into the index: paper → chunk → vector → index, several batches at a time where an engine can.

Joins those stages; knows nothing of sources, questions or answers. The index is written by this process alone, and in
the order in which the changes came.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field

from chatbot.chunks import split_passages, split_sentence_chunks
from chatbot.embedding import Engine, Vectors
from chatbot.index import Entry, Writer
from chatbot.merging import Held
from chatbot.records import Paper, Record, Whole
from chatbot.space import trim_memory


def make_entry(paper: Paper, records: Sequence[Record]) -> Entry:
    """Return ``paper`` cut into the chunks that get vectors."""
    return Entry(paper, records, split_passages(paper), split_sentence_chunks(paper))


_TRIMMED = 16  # changes after which what they left free is given back


@dataclass(slots=True)
class Change:
    """What becomes of some papers: ``entries`` have a new text, ``updated`` only new records, ``gone`` are ids."""

    entries: list[Entry] = field(default_factory=list)
    updated: list[tuple[Paper, Sequence[Record]]] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, papers: Iterable[Held]) -> "Change":
        """Return what makes the index hold ``papers`` as they are to be; only a new text is embedded."""
        change = cls()
        for held in papers:
            if not held.is_changed:
                continue
            if not held.records:
                change.gone.append(held.id)
                continue
            paper = held.merge()
            if held.stored and held.stored.text == paper.text:
                change.updated.append((paper, held.records))
            else:
                change.entries.append(make_entry(paper, held.records))
        return change

    @property
    def passages(self) -> list[Whole]:
        """Return what has to be embedded."""
        return [passage for entry in self.entries for passage in entry.to_embed]

    def save(self, writer: Writer, embed: Callable[[], Vectors]) -> None:
        """Make the index so; ``embed`` returns the vectors of ``passages``, and is called when there are any."""
        for paper, records in self.updated:
            writer.update(paper, records)
        if self.entries:
            vectors, at = embed(), 0
            for entry in self.entries:
                entry.take(vectors[at : (at := at + len(entry.passages) + len(entry.sentences))])
            writer.write(self.entries)
        writer.remove(self.gone)


class Storing:
    """Changes on their way: as many are embedded at the same time as the engine can, and each is stored in its turn."""

    def __init__(self, writer: Writer, engine: Engine) -> None:
        self._writer, self._engine, self._stored = writer, engine, 0
        self._waiting = deque[tuple[Change, Callable[[], Vectors], Collection[str], Callable[[], None] | None]]()

    def add(self, change: Change, keys: Collection[str] = (), done: Callable[[], None] | None = None) -> None:
        """Begin with ``change``, which concerns what has one of ``keys``; ``done`` is called once it is stored."""
        self._waiting.append((change, self._engine.start(change.passages), keys, done))
        while len(self._waiting) > self._engine.at_once:
            self._store_first()

    def settle(self, keys: Collection[str] | None = None) -> None:
        """Wait until nothing is on its way that has one of ``keys``; without them, until nothing is at all."""
        wanted = None if keys is None else set(keys)
        if wanted is None or any(not wanted.isdisjoint(waiting) for _, _, waiting, _ in self._waiting):
            while self._waiting:
                self._store_first()

    def _store_first(self) -> None:
        change, wait, _, done = self._waiting.popleft()
        change.save(self._writer, wait)
        self._stored += 1
        if self._stored % _TRIMMED == 0:
            trim_memory()
        if done:
            done()
