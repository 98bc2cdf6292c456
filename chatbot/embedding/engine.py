"""Where papers are embedded in bulk: in this process, or by the workers of a cluster.

Knows the two engines by name; knows nothing of papers or the index.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Protocol

from chatbot.embedding.embedder import Embedder, Vectors, load_embedder
from chatbot.records import Whole
from chatbot.settings import Settings


class Engine(Protocol):
    """Embeds batches of passages, ``at_once`` of them beside the one that is waited for."""

    at_once: int

    def start(self, passages: Sequence[Whole]) -> Callable[[], Vectors]:
        """Return what waits for what ``embed_papers`` returns; the work may begin now. It may raise EmbeddingError."""


class InProcess:
    """Embeds one batch after the other, when it is waited for."""

    at_once = 0

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    def start(self, passages: Sequence[Whole]) -> Callable[[], Vectors]:
        """Return what embeds ``passages``."""
        return partial(self._embedder.embed_papers, passages)


@contextmanager
def open_engine(embedder: Embedder, settings: Settings | None) -> Iterator[Engine]:
    """Yield the engine that ``settings`` name, which embeds as ``embedder`` does. Raises EmbeddingError."""
    if settings is None or settings.engine == "local":
        yield InProcess(embedder)
        return
    from chatbot.embedding.ray_workers import open_workers

    with open_workers(partial(load_embedder, settings), embedder, settings.ray_address) as workers:
        yield workers
