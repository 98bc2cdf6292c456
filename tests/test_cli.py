"""The command as a user or a program meets it: a process with text in, text out and an exit code."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from tests import forked
from tests.conftest import Run, make_record


def test_help_is_immediate_and_loads_nothing_heavy() -> None:
    before = os.times()
    result = subprocess.run([sys.executable, "-m", "chatbot", "--help"], capture_output=True, text=True)
    assert (result.returncode, "ingest" in result.stdout) == (0, True)
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    assert used < 1  # seconds of the processor, whatever else it does
    code = "import sys, chatbot.cli; sys.exit(bool({'torch', 'chromadb', 'numpy', 'gradio'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_ask_shows_the_answer_with_its_sources(run: Run) -> None:
    result = run("ask", "What is LiNeS?")
    assert result.returncode == 0
    assert "we introduce LiNeS" in result.stdout.replace("\n", " ")
    assert "[1] LiNeS: Post-training" in result.stdout


def test_json_of_ask_and_search(run: Run) -> None:
    assert json.loads(run("ask", "What is LiNeS?", "--json").stdout)["status"] == "answered"
    found = json.loads(run("search", "federated", "-k", "3", "--json").stdout)
    assert [hit["rank"] for hit in found["hits"]] == [1, 2, 3]


def test_batch_keeps_order_and_ids_and_names_bad_lines(run: Run, tmp_path: Path) -> None:
    lines = [
        {"id": 7, "question": "is the code out?", "history": ["What is FRNet?"]},
        "{broken",
        {"id": "b", "question": ""},
        {"id": "c", "question": "What is LiNeS?", "error": "of an earlier run"},
        {"id": "d", "question": "x", "history": "not a list"},
    ]
    (tmp_path / "in.jsonl").write_text("\n".join(x if isinstance(x, str) else json.dumps(x) for x in lines))
    result = run("ask", "--batch", "in.jsonl")
    out = [json.loads(line) for line in result.stdout.splitlines()]
    assert [record.get("id") for record in out] == [7, None, "b", "c", "d"]
    assert ["error" in record for record in out] == [False, True, True, False, True]
    assert "FRNet" in out[0]["standalone_question"]
    assert result.returncode == 1
    hits = run("search", "--batch", "in.jsonl").stdout.splitlines()
    assert len(hits) == 5


def test_ingest_reports_counts_and_names_what_it_skipped(
    run: Run, tmp_path: Path, write_jsonl: Callable[..., Path]
) -> None:
    path = write_jsonl(make_record(1), '{"half', make_record(1, id="p1", abstract="Other."))
    result = run("ingest", str(path), index=tmp_path / "i")
    assert "1 added, 0 updated, 0 unchanged, 0 removed, 2 skipped; 1 papers in" in result.stdout
    assert "line 2: not valid JSON" in result.stderr
    counts = json.loads(run("ingest", str(path), "--json", index=tmp_path / "i").stdout)
    assert (counts["unchanged"], len(counts["skipped"])) == (1, 2)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("ask",), 2, "give a question"),
        (("ask", ""), 1, "the question is empty"),
        (("ask", "\x07 \t"), 1, "the question is empty"),
        (("ask", "x" * 100_000), 1, "at most 2,000 are allowed"),
        (("ask", "hi", "-k", "0"), 2, "-k"),
        (("search", "--batch", "missing.jsonl"), 1, "cannot be read"),
        (("ingest", "missing.jsonl"), 1, "does not exist"),
        (("nonsense",), 2, "No such command"),
    ],
)
def test_errors_are_one_line_with_an_exit_code(run: Run, words: tuple[str, ...], code: int, message: str) -> None:
    result = run(*words)
    assert (result.returncode, message in result.stderr) == (code, True), result.stderr
    assert "Traceback" not in result.stderr
    if code == 1:
        assert len(result.stderr.strip().splitlines()) == 1


def test_nothing_ingested_and_index_in_use(run: Run, tmp_path: Path, seed_index: Path) -> None:
    assert "run: chatbot ingest" in run("ask", "hi there", index=tmp_path / "none").stderr
    with FileLock(seed_index / "write.lock"):
        result = run("ingest")
    assert (result.returncode, "another process is writing" in result.stderr) == (1, True)


def test_wrong_environment_names_the_setting(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATBOT_TOP_K", "many")
    assert "CHATBOT_TOP_K" in run("ask", "hi").stderr
    monkeypatch.setenv("CHATBOT_TOP_K", "5")
    monkeypatch.setenv("CHATBOT_MODEL", "gpt")
    assert "use auto, extractive" in run("ask", "hi").stderr


def test_chat_keeps_the_conversation(run: Run) -> None:
    result = run("chat", stdin="What is FRNet?\nis the code out?\n\n")
    assert result.returncode == 0
    assert "github.com/Xiangxu-0103/FRNet" in result.stdout.replace("\n", "")


@pytest.mark.parametrize("words", [("chat",), ("user", "add", "ann", "--password-stdin")])
def test_standard_input_that_is_no_text_is_one_line(seed_index: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "typed").write_bytes(b"What is \xff FRNet?\n")
    options = ("--index", str(tmp_path / "new" if words[0] == "user" else seed_index))
    command, pipe = [sys.executable, "-m", "chatbot", *words, *options], subprocess.PIPE
    with (
        (tmp_path / "typed").open() as typed,
        forked.Popen(command, stdin=typed, stdout=pipe, stderr=pipe, text=True) as process,
    ):
        _, errors = process.communicate()
    assert process.returncode == 1
    assert errors == "error: standard input is not UTF-8; convert it, or type it in\n"


def test_papers_lists_and_filters(run: Run) -> None:
    assert "59 of 59 papers" in run("papers").stdout
    assert "1 of 59 papers" in run("papers", "yolov9").stdout
    assert len(run("papers", "--json").stdout.splitlines()) == 59


def test_doctor_tells_what_is_well_and_what_is_not(run: Run, tmp_path: Path) -> None:
    well = run("doctor")
    assert (well.returncode, "all-MiniLM-L6-v2, verified" in well.stdout) == (0, True)
    ill = run("doctor", index=tmp_path / "none")
    assert (ill.returncode, "run: chatbot ingest" in ill.stdout) == (1, True)
    checks = json.loads(run("doctor", "--json").stdout)
    assert {"name", "finding", "fix"} == set(checks[0])


def test_the_page_is_not_opened_to_others_by_accident(run: Run) -> None:
    refused = run("serve", "--host", "0.0.0.0")
    assert refused.returncode == 1
    assert "add --public to let everyone ask and nobody change anything" in refused.stderr
