"""Texts → vectors by the workers of a Ray cluster; the extra ``ray`` brings it.

Knows Ray and that a worker has an embedding model; knows nothing of papers or the index. Ray's actors are used and not
Ray Data: whether a record has to be embedded depends on what the index holds when it is read, so batches come one by
one from the only process that knows, and a dataset would have to be set up and run for each.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from chatbot.embedding.embedder import Embedder, Vectors
from chatbot.errors import EmbeddingError
from chatbot.records import Whole

PASSAGES_A_TASK = 32
_RESTARTS = 5  # of one worker that dies, and further tries of what it was doing
_START_SECONDS = 300.0  # for a worker to have its model loaded, of which the first may fetch it


class RayEngine:
    """Embeds in workers, several batches at the same time."""

    def __init__(self, workers: Sequence[Any], dimensions: int) -> None:
        self._workers, self._dimensions, self._next = workers, dimensions, 0
        self.at_once = len(workers) + 1  # batches of an ingest, which have about four tasks each

    def start(self, passages: Sequence[Whole]) -> Callable[[], Vectors]:
        """Return what waits for the vectors of ``passages``; workers begin on them now. It may raise EmbeddingError."""
        cuts = range(0, len(passages), PASSAGES_A_TASK)
        tasks = [self._send(list(passages[at : at + PASSAGES_A_TASK])) for at in cuts]

        def wait() -> Vectors:
            return np.concatenate(_get(tasks)) if tasks else np.zeros((0, self._dimensions), np.float32)

        return wait

    def _send(self, passages: list[Whole]) -> Any:
        worker = self._workers[self._next % len(self._workers)]
        self._next += 1
        return worker.embed.remote(passages)


class _Worker:
    """What runs in each worker."""

    def __init__(self, load: Callable[[], Embedder]) -> None:
        self._embedder = load()

    def identity(self) -> str:
        return self._embedder.identity

    def embed(self, passages: list[Whole]) -> Vectors:
        return self._embedder.embed_papers(passages)


@contextmanager
def open_workers(load: Callable[[], Embedder], embedder: Embedder, address: str) -> Iterator[RayEngine]:
    """Yield an engine with the workers of the cluster at ``address``, else of this machine: one for each GPU, or core.

    Workers call ``load`` for what embeds as ``embedder`` does. A cluster that this process is connected to already is
    used as it is. Raises EmbeddingError when Ray is missing, cannot be reached, or has another model there.
    """
    ray = load_ray(address)
    is_ours = not ray.is_initialized()
    try:
        if is_ours:
            connect(ray, address)
        count, needs = plan_workers(ray.cluster_resources())
        make = ray.remote(**needs, max_restarts=_RESTARTS, max_task_retries=_RESTARTS)(_Worker)
        workers = [make.remote(load) for _ in range(count)]
        names = set(_get([worker.identity.remote() for worker in workers], _START_SECONDS))
        if names != {embedder.identity}:
            raise EmbeddingError(f"workers embed with {', '.join(sorted(names))}, the index with {embedder.identity}")
        try:
            yield RayEngine(workers, embedder.dimensions)
        finally:
            for worker in workers:
                ray.kill(worker)
    finally:
        if is_ours:
            ray.shutdown()


def plan_workers(resources: Mapping[str, float]) -> tuple[int, dict[str, int]]:
    """Return how many workers a cluster with ``resources`` gets, and what each takes: a GPU, where there is any.

    One GPU embeds more than the cores beside it, and each worker sees only its own.
    """
    gpus, cores = (int(resources.get(kind, 0)) for kind in ("GPU", "CPU"))
    return (gpus, {"num_gpus": 1}) if gpus else (max(cores, 1), {"num_cpus": 1})


def load_ray(address: str) -> Any:
    """Return the library, which reads settings of its own when it is imported. Raises EmbeddingError without it."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # else it would call home
    if not address:  # what its name does not say: without it all listen on the loopback address alone
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    try:
        import ray
    except ImportError as error:
        raise EmbeddingError("--engine ray needs Ray; run: pip install 'paper-chatbot[ray]'") from error
    return ray


def connect(ray: Any, address: str, **options: Any) -> None:
    """Connect this process to the cluster at ``address``, else to one that is started for it. Raises EmbeddingError."""
    local = {} if address else {"include_dashboard": False}
    try:
        ray.init(address or "local", log_to_driver=False, logging_level="ERROR", **local, **options)
    except Exception as error:  # Ray raises of its own and of Python's
        where = f"the Ray cluster at {address} cannot be reached" if address else "Ray cannot be started here"
        raise EmbeddingError(
            f"{where} ({_first_line(error)}); see CHATBOT_RAY_ADDRESS, or leave out --engine"
        ) from error


def _get(tasks: Sequence[Any], seconds: float | None = None) -> list[Any]:
    import ray

    try:
        found: list[Any] = ray.get(list(tasks), timeout=seconds)
    except ray.exceptions.RayError as error:
        cause = getattr(error, "cause", None)
        if isinstance(cause, EmbeddingError):
            raise cause from error
        raise EmbeddingError(
            f"the workers of Ray failed ({_first_line(cause or error)}); run the same command again to go on"
        ) from error
    return found


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:200]
