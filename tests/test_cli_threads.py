"""Stored conversations as a user of the command meets them."""

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.conftest import Run


@pytest.fixture(scope="module")
def index(seed_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an index of the seed papers of its own, to hold conversations."""
    folder = tmp_path_factory.mktemp("threads") / "index"
    shutil.copytree(seed_index, folder)
    return folder


def test_a_conversation_goes_on_in_another_process(run: Run, index: Path, tmp_path: Path) -> None:
    assert "No conversation found." in run("threads", "list", index=index).stdout
    assert run("chat", "--thread", "nets", index=index, stdin="What is FRNet?\n\n").returncode == 0
    resumed = run("chat", "--thread", "nets", index=index, stdin="is the code out?\n\n")
    assert "Going on after: What is FRNet?" in resumed.stdout
    assert "github.com/Xiangxu-0103/FRNet" in resumed.stdout.replace("\n", "")

    (thread,) = map(json.loads, run("threads", "list", "CODE", "--json", index=index).stdout.splitlines())
    assert (thread["name"], thread["questions"]) == ("nets", 2)
    assert "> is the code out?" in run("threads", "show", "nets", index=index).stdout
    answers = [
        json.loads(line) for line in run("threads", "show", thread["id"], "--json", index=index).stdout.splitlines()
    ]
    assert [answer["status"] for answer in answers] == ["answered", "answered"]

    exported = run("threads", "export", "nets", index=index).stdout
    assert "## 2. is the code out?" in exported
    assert "Searched for: is the code out (FRNet)?" in exported
    assert "- FRNet: Frustum-Range Networks" in exported
    assert run("threads", "export", "nets", "--bibtex", "-o", "nets.bib", index=index).stdout == ""
    assert (tmp_path / "nets.bib").read_text().startswith("@misc{frnet,\n  title = {{FRNet: Frustum-Range Networks")

    assert run("threads", "rename", "nets", "range nets", index=index).returncode == 0
    assert "range nets" in run("threads", "list", index=index).stdout
    assert "deleted “range nets”" in run("threads", "delete", "range nets", index=index).stdout
    assert "No conversation found." in run("threads", "list", index=index).stdout


def test_a_stored_grid_is_shown_as_a_grid(run: Run, index: Path) -> None:
    run("chat", "--thread", "grid", index=index, stdin="Compare LiNeS with FRUGAL on data and code\n\n")
    shown = run("threads", "show", "grid", index=index).stdout
    assert re.search(r"^paper +data +code", shown.replace("\n ", "\n"), re.M)
    assert re.search(r"^ ?FRUGAL .* not stated in the abstract", shown, re.M)
    assert "|" not in shown


def test_errors_are_one_line(run: Run, index: Path, tmp_path: Path) -> None:
    missing = run("threads", "show", "none", index=index)
    assert (missing.returncode, missing.stderr.count("\n")) == (1, 1)
    assert "no conversation “none”; those that are there: chatbot threads list" in missing.stderr
    assert "run: chatbot ingest" in run("threads", "list", index=tmp_path / "none").stderr
    assert not (tmp_path / "none").exists()
    (tmp_path / "threads.sqlite3").write_bytes(b"no database" * 100)
    damaged = run("threads", "list", index=tmp_path)
    assert (damaged.returncode, damaged.stderr.count("\n"), "are damaged" in damaged.stderr) == (1, 1, True)
