"""Bulk embedding by the workers of a Ray cluster: the same index as by one process, even when workers die."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from chatbot.embedding import engine
from chatbot.embedding.minilm import MiniLM
from chatbot.embedding.ray_workers import connect, load_ray, open_workers, plan_workers
from chatbot.errors import EmbeddingError
from chatbot.index import PaperIndex
from chatbot.ingest import PAPERS_A_BATCH, ingest
from chatbot.settings import Settings, load_settings
from tests.conftest import make_record
from tests.killed_ingest import IDENTITY, HashedWords, describe

ROOT = Path(__file__).resolve().parent.parent
QUERIES = ("honey bees", "glacier melt in experiment 40")


class Dying(HashedWords):
    """Embeds in a process that is killed once, in the middle of its third task."""

    def __init__(self, tasks: Path) -> None:
        super().__init__()
        self._tasks = tasks

    def embed_papers(self, passages: Any) -> Any:
        (self._tasks / uuid4().hex).touch()
        if len(list(self._tasks.iterdir())) == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().embed_papers(passages)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two workers on this machine."""
    if not find_spec("ray"):
        pytest.skip("Ray is not installed: pip install 'paper-chatbot[ray]'")
    ray = load_ray("")
    connect(ray, "", num_cpus=2, runtime_env={"env_vars": {"PYTHONPATH": str(ROOT)}})
    yield ray
    ray.shutdown()


@pytest.fixture
def papers(write_jsonl: Callable[..., Path]) -> Path:
    """Return records of a few batches; some are of one paper, in one batch and in different ones."""
    records = [make_record(number) for number in range(5 * PAPERS_A_BATCH)]
    twice = [make_record(n, id=f"again{n}", doi="10.1000/x", abstract="Longer. " * 30) for n in (3, 5, 200)]
    return write_jsonl(*records[:6], twice[0], *records[6:400], *twice[1:], *records[400:])


def bring_in(folder: Path, papers: Path, settings: Settings | None = None) -> dict[str, Any]:
    ingest(PaperIndex.create(folder, IDENTITY), HashedWords(), [("papers", papers)], None, settings)
    return describe(folder, QUERIES)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("killed", [False, True])
def test_workers_make_the_index_that_one_process_makes(
    cluster: Any, papers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed: bool
) -> None:
    expected = bring_in(tmp_path / "one", papers)
    (tasks := tmp_path / "tasks").mkdir()
    monkeypatch.setattr(engine, "load_embedder", lambda settings: Dying(tasks) if killed else HashedWords())
    found = bring_in(tmp_path / "many", papers, load_settings(engine="ray"))
    assert [what for what in expected if found[what] != expected[what]] == []
    assert len(list(tasks.iterdir())) >= 3 * killed


@pytest.mark.timeout(300)
def test_the_command_embeds_on_the_cluster_that_it_is_told(
    cluster: Any, write_jsonl: Callable[..., Path], tmp_path: Path
) -> None:
    papers = write_jsonl(*map(make_record, range(150)))
    address = cluster.get_runtime_context().gcs_address
    for name, options in (("one", ()), ("many", ("--engine", "ray"))):
        command = [sys.executable, "-m", "chatbot", "ingest", papers, "--index", tmp_path / name, *options]
        done = subprocess.run(
            command, env=os.environ | {"CHATBOT_RAY_ADDRESS": address, "PYTHONPATH": str(ROOT)}, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        assert (done.returncode, "150 added" in done.stdout) == (0, True), done.stderr
    one, many = (list(PaperIndex(tmp_path / name, MiniLM.identity).entries()) for name in ("one", "many"))
    vectors = [{entry.paper: entry.vectors for page in index for entry in page} for index in (one, many)]
    assert vectors[0].keys() == vectors[1].keys()
    assert all((vectors[0][paper] * vectors[1][paper]).sum(axis=1).min() > 0.9999 for paper in vectors[0])


@pytest.mark.parametrize(
    ("resources", "plan"),
    [
        ({"CPU": 4.0, "memory": 1e9}, (4, {"num_cpus": 1})),
        ({"CPU": 64.0, "GPU": 2.0}, (2, {"num_gpus": 1})),
        ({"memory": 1e9}, (1, {"num_cpus": 1})),
    ],
)
def test_a_worker_takes_a_gpu_where_there_is_one(resources: dict[str, float], plan: tuple[int, dict[str, int]]) -> None:
    assert plan_workers(resources) == plan


def test_nothing_of_ray_can_be_reached_from_elsewhere(cluster: Any) -> None:
    assert {node["NodeManagerAddress"] for node in cluster.nodes()} == {"127.0.0.1"}
    listening = Path("/proc/net/tcp"), Path("/proc/net/tcp6")
    if not listening[0].exists():
        pytest.skip("only Linux tells who listens")
    ours = {str(node["NodeManagerPort"]) for node in cluster.nodes()}
    ours |= {cluster.get_runtime_context().gcs_address.rpartition(":")[2]}
    rows = [line.split() for file in listening if file.exists() for line in file.read_text().splitlines()[1:]]
    places = [row[1].rpartition(":") for row in rows if row[3] == "0A"]
    open_to_all = {str(int(port, 16)) for address, _, port in places if int(address, 16) == 0}
    assert not ours & open_to_all


def test_workers_with_another_model_are_refused(cluster: Any) -> None:
    other = HashedWords()
    other.identity = "hashed-words@2"
    with pytest.raises(EmbeddingError, match="workers embed with hashed-words@1, the index with hashed-words@2"):
        open_workers(HashedWords, other, "").__enter__()


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(EmbeddingError, match=r"needs Ray; run: pip install 'paper-chatbot\[ray\]'"):
        open_workers(HashedWords, HashedWords(), "").__enter__()
