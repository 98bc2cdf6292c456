"""Bulk embedding by the workers of a Ray cluster: the same index as by one process, even when workers die."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import sleep
from typing import Any

import psutil
import pytest

from chatbot.embedding import engine
from chatbot.embedding.ray_workers import RayEngine, open_workers
from chatbot.errors import EmbeddingError
from chatbot.index import PaperIndex
from chatbot.ingest import PAPERS_A_BATCH, ingest
from chatbot.settings import Settings, load_settings
from tests.conftest import make_record
from tests.killed_ingest import IDENTITY, HashedWords, describe

ROOT = Path(__file__).resolve().parent.parent
QUERIES = ("honey bees", "glacier melt in experiment 40")


class Slow(HashedWords):
    """Takes its time, so that a worker can be killed in the middle."""

    def embed_papers(self, texts: Any) -> Any:
        sleep(0.3)
        return super().embed_papers(texts)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two workers on this machine."""
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'paper-chatbot[ray]'")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(
        "local",
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        _node_ip_address="127.0.0.1",
        runtime_env={"env_vars": {"PYTHONPATH": str(ROOT)}},
    )
    yield ray
    ray.shutdown()


@pytest.fixture
def papers(write_jsonl: Callable[..., Path]) -> Path:
    """Return records of a few batches; some are of one paper, in one batch and in different ones."""
    records = [make_record(number) for number in range(5 * PAPERS_A_BATCH)]
    twice = [make_record(n, id=f"again{n}", doi="10.1/x", abstract="Longer. " * 30) for n in (3, 5, 200)]
    return write_jsonl(*records[:6], twice[0], *records[6:400], *twice[1:], *records[400:])


def bring_in(folder: Path, papers: Path, settings: Settings | None = None) -> dict[str, Any]:
    ingest(PaperIndex.create(folder, IDENTITY), HashedWords(), [("papers", papers)], None, settings)
    return describe(folder, QUERIES)


def find_worker(ray: Any) -> int:
    """Return the process of a worker that is at work."""
    here = psutil.Process()
    titles = {process.pid: process.cmdline() for process in here.children(recursive=True)}
    return next(pid for pid, words in titles.items() if words and words[0].startswith("ray::_Worker"))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("killed", [False, True])
def test_workers_make_the_index_that_one_process_makes(
    cluster: Any, papers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed: bool
) -> None:
    expected = bring_in(tmp_path / "one", papers)
    monkeypatch.setattr(engine, "load_embedder", lambda settings: Slow() if killed else HashedWords())
    died = list[int]()
    start = RayEngine.start

    def start_and_kill(self: RayEngine, texts: Any) -> Any:
        wait = start(self, texts)
        if killed and texts and not died:
            died.append(find_worker(cluster))
            os.kill(died[0], signal.SIGKILL)
        return wait

    monkeypatch.setattr(RayEngine, "start", start_and_kill)
    found = bring_in(tmp_path / "many", papers, load_settings(engine="ray"))
    assert [what for what in expected if found[what] != expected[what]] == []
    assert len(died) == killed


def test_workers_with_another_model_are_refused(cluster: Any) -> None:
    other = HashedWords()
    other.identity = "hashed-words@2"  # type: ignore[misc]
    with pytest.raises(EmbeddingError, match="workers embed with hashed-words@1, the index with hashed-words@2"):
        with open_workers(HashedWords, other, ""):
            pass


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(EmbeddingError, match=r"needs Ray; run: pip install 'paper-chatbot\[ray\]'"):
        with open_workers(HashedWords, HashedWords(), ""):
            pass
