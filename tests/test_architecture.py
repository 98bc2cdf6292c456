"""The shape of the code: who may import whom, and what every module says of itself."""

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted([*ROOT.glob("chatbot/**/*.py"), *ROOT.glob("evals/**/*.py")])
SHARED = {
    "records",
    "answers",
    "claims",
    "comparison",
    "settings",
    "errors",
    "resources",
    "logistic",
    "markup",
    "maxsim",
    "space",
}
JOINING = {
    "pipeline",
    "answering",
    "ingest",
    "merging",
    "batch",
    "cli",
    "cli_compare",
    "cli_index",
    "cli_library",
    "cli_serve",
    "cli_mcp",
    "cli_threads",
    "cli_user",
    "library",
    "comparer",
    "explain",
    "reader",
    "recall",
    "options",
    "ui",
    "serving",
    "doctor",
    "langchain",
    "mcp_server",
    "tools",
    "storing",
    "upkeep",
    "terminal",
    "__init__",
    "__main__",
}


@cache
def imports(path: Path) -> set[str]:
    """Return the full names of all modules that ``path`` imports, wherever in the file."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.update({node.module, *(f"{node.module}.{alias.name}" for alias in node.names)})
    return found


def stage(path: Path) -> str:
    return path.relative_to(ROOT / "chatbot").parts[0].removesuffix(".py")


def test_stages_do_not_import_each_other() -> None:
    stages = {stage(path) for path in ROOT.glob("chatbot/**/*.py")} - SHARED - JOINING
    helpers = {
        ("acronyms", "questions"),
        ("answerable", "figures"),
        ("chunks", "sentences"),
        ("citations", "sentences"),
        ("comparing", "conversation"),
        ("comparing", "figures"),
        ("comparing", "questions"),
        ("comparing", "tables"),
        ("export", "references"),
        ("history", "conversation"),
        ("index", "identity"),
        ("local_model", "generation"),
        ("models", "local_model"),
        ("questions", "intents"),
        ("ranking", "roles"),
        ("exchange", "figures"),
        ("verify", "exchange"),
        ("verify", "facts"),
        ("verify", "figures"),
        ("verify", "negation"),
    }
    for path in ROOT.glob("chatbot/**/*.py"):
        if stage(path) in JOINING:
            continue
        used = {name.split(".")[1] for name in imports(path) if name.startswith("chatbot.")}
        wrong = {other for other in used & stages - {stage(path)} if (stage(path), other) not in helpers}
        assert not wrong, f"{path} imports {wrong}"


@pytest.mark.parametrize(
    ("library", "folder"),
    [
        ("chromadb", "index"),
        ("tantivy", "index"),
        ("gradio", "ui"),
        ("sqlite3", "threads index"),
        ("torch", "embedding local_model generation"),
        ("transformers", "embedding local_model generation"),
        ("sentence_transformers", "embedding"),
        ("ray", "embedding"),
        ("openai", "models embedding"),
        ("argon2", "serving"),
        ("limits", "serving"),
        ("os", "ui index embedding feedback serving"),
    ],
)
def test_each_library_has_one_home(library: str, folder: str) -> None:
    users = {
        stage(path) for path in ROOT.glob("chatbot/**/*.py") if library in {n.split(".")[0] for n in imports(path)}
    }
    assert users <= set(folder.split())


def test_only_settings_reads_the_environment() -> None:
    for path in ROOT.glob("chatbot/**/*.py"):
        text = path.read_text()
        assert "getenv" not in text, path
        assert "environ[" not in text, path
        assert "environ.get" not in text, path


def test_the_product_does_not_know_its_evaluation() -> None:
    for path in ROOT.glob("chatbot/**/*.py"):
        assert not {name for name in imports(path) if name.split(".")[0] in {"evals", "tests"}}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_are_small_and_say_what_they_know(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert len(path.read_text().splitlines()) <= 300
    assert ast.get_docstring(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 50, f"{node.name} is long"


def test_top_level_holds_nothing_unexpected() -> None:
    expected = {
        "chatbot",
        "prompts",
        "seeds",
        "evals",
        "tests",
        "pyproject.toml",
        "README.md",
        "Makefile",
        "constraints.txt",
    }
    found = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")} - {"build", "dist"}
    assert found <= expected | {name for name in found if name.endswith(".egg-info")}
