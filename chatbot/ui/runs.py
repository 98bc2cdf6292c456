"""Start ``python -m evals`` in processes of its own, and tell what became of its runs.

Knows the folder of the runs and the words of that command; knows nothing of scores, and imports nothing that measures.
"""

import atexit
import importlib.util
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import SecretStr

from chatbot.errors import Busy, ChatbotError, InputError
from chatbot.pipeline import PaperChatbot

Split = Literal["dev", "test", "all"]
NAIVE = "naive"  # the word of ``evals run --model`` for the answerer to beat
PATIENCE = 600  # seconds for a report or a comparison
_LOG = "output.txt"


@dataclass(frozen=True, slots=True)
class Run:
    """A run in its folder ``name``: what answers, since when (ISO 8601), and how many of ``asked`` have an answer."""

    name: str
    model: str
    created: str
    answered: int
    asked: int
    finished: bool

    @property
    def label(self) -> str:
        """Return how a list shows it."""
        count = f"{self.asked} questions" if self.finished else f"{self.answered} of {self.asked} answered"
        return f"{self.name} · {self.model} · {count}"


def find_runs(bot: PaperChatbot) -> "Runs | None":
    """Return the runs beside the index of ``bot``; None where what measures is not installed."""
    found = importlib.util.find_spec("evals")
    folders = map(Path, found.submodule_search_locations or ()) if found else ()
    lock = next((path for folder in folders if (path := folder / "questions.lock.json").exists()), None)
    return Runs(bot, json.loads(lock.read_text(encoding="utf-8"))["papers"]) if lock else None


class Runs:
    """The runs in ``bot.settings.runs``, of which one at a time is under way.

    ``papers`` is the fingerprint of the papers that the questions are about; ``questions`` takes another file of them.
    """

    def __init__(self, bot: PaperChatbot, papers: str, questions: Path | None = None) -> None:
        self._bot, self._papers, self._questions = bot, papers, questions
        self._lock, self._name, self._cancelled = threading.Lock(), "", False
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def folder(self) -> Path:
        """Return the folder of all runs."""
        return self._bot.settings.runs.resolve()

    @property
    def running(self) -> bool:
        """Return whether a run is under way."""
        return self._process is not None and self._process.poll() is None

    def all(self) -> list[Run]:
        """Return the runs that have begun to ask, newest first."""
        found = map(_read_run, self.folder.iterdir()) if self.folder.exists() else ()
        return sorted(filter(None, found), key=lambda run: (run.created, run.name), reverse=True)

    def start(self, split: Split, model: str = "") -> str:
        """Start a run with the model of the settings, or another, and return its name.

        It is over the index where that holds the papers that the questions are about, else over the seed papers.
        Raises Busy while another is under way.
        """
        with self._lock:
            if self.running:
                raise Busy("a run is under way; wait until it ends, or cancel it")
            name = f"{datetime.now(UTC):%Y-%m-%d-%H%M%S}-{split}"
            out = self.folder / name
            words = ["run", "--out", str(out), "--model", model or self._bot.settings.model]
            words += [] if split == "all" else ["--split", split]
            words += ["--index", str(self._bot.settings.index.resolve())] if self.over_index() else []
            words += ["--questions", str(self._questions)] if self._questions else []
            _make_folder(out)
            with (out / _LOG).open("wb") as log:
                self._process = subprocess.Popen(stdout=log, stderr=log, **self._command(words))
            atexit.register(self.cancel)
            self._name, self._cancelled = name, False
        return name

    def cancel(self) -> None:
        """End the run under way, if there is one; what was answered stays in its folder."""
        with self._lock:
            if self._process and self.running:
                self._cancelled = True
                self._process.terminate()
                self._process.wait()

    def over_index(self) -> bool:
        """Return whether the index holds the papers that the questions are about."""
        try:
            self._bot.index.refresh()
            return self._bot.index.manifest.fingerprint == self._papers
        except ChatbotError:
            return False

    def tell(self) -> str:
        """Return how the last run stands; "" when none was started since the program was."""
        if not self._process:
            return ""
        running, run = self.running, _read_run(self.folder / self._name)
        count = f"{run.answered} of {run.asked} questions answered" if run else "no question answered"
        if running:
            return f"{self._name}: {count}" if run else f"{self._name}: getting ready …"
        if self._cancelled:
            return f"{self._name} was cancelled, {count}"
        if self._process.returncode:
            return f"{self._name} failed: {_last_line((self.folder / self._name / _LOG).read_text(encoding='utf-8'))}"
        return f"{self._name} is finished, {count}"

    def report(self, name: str) -> str:
        """Return the report of a run, a page of HTML. Raises InputError for a name that is not in the list."""
        self._call(["report", self._check(name)])
        return (self.folder / name / "report.html").read_text(encoding="utf-8")

    def compare(self, before: str, after: str) -> str:
        """Return what changed between two runs as text for a fixed width. Raises InputError where none can be told."""
        return self._call(["compare", self._check(before), self._check(after)])

    def marked_down(self) -> int:
        """Return how many questions have an answer that a reader marked down. Raises FeedbackBroken."""
        return len(self._bot.feedback.marked_down())

    def draft(self) -> str:
        """Make drafts of questions from those, and return where they lie and what to do with them."""
        _make_folder(self.folder)
        out = self.folder / f"drafts-{datetime.now(UTC):%Y-%m-%d-%H%M%S}.jsonl"
        return self._call(["new", "--from-feedback", str(self._bot.settings.index.resolve()), "--out", str(out)])

    def _check(self, name: str) -> str:
        if name not in {run.name for run in self.all() if run.finished}:
            raise InputError("there is no finished run of that name; choose one of the list")
        return name

    def _call(self, words: list[str]) -> str:
        """Return the output of a command; it runs among the runs, so that what it prints tells nothing of the disk."""
        command = self._command(words) | {"cwd": self.folder}
        try:
            done = subprocess.run(capture_output=True, encoding="utf-8", timeout=PATIENCE, **command)
        except subprocess.TimeoutExpired as error:
            raise InputError(f"it took more than {PATIENCE} seconds; run it by hand: python -m evals --help") from error
        if done.returncode:
            raise InputError(_last_line(done.stderr))
        return str(done.stdout)

    def _command(self, words: list[str]) -> dict[str, Any]:
        """Return what starts a process with these settings, which finds its modules where this one does."""
        settings = self._bot.settings
        given = {_name_variable(name): getattr(settings, name) for name in settings.model_fields_set}
        variables = {name: _write_value(value) for name, value in given.items() if value is not None}
        paths = os.pathsep.join(filter(None, sys.path))
        return {
            "args": [sys.executable, "-P", "-m", "evals", *words],
            "env": os.environ | variables | {"PYTHONPATH": paths, "COLUMNS": "150", "PYTHONIOENCODING": "utf-8"},
            "stdin": subprocess.DEVNULL,
            "umask": 0o077,  # runs and drafts can hold what users asked
        }


def _write_value(value: Any) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def _read_run(folder: Path) -> Run | None:
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        asked = [line for line in _read_lines(folder / "questions.jsonl") if "canary" not in line]
        wanted = [line for line in asked if manifest["split"] in (None, line["split"])]
        answered = sum("answer" in line for line in _read_lines(folder / "answers.jsonl"))
        finished = (folder / "papers.jsonl").exists()
        return Run(folder.name, manifest["model"], manifest["created"], answered, len(wanted), finished)
    except (OSError, ValueError, KeyError, TypeError):  # no run, or one whose files are only being written
        return None


def _read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the records of a file of JSON Lines; a last line that is being written is left out."""
    for line in path.read_bytes().split(b"\n")[:-1] if path.exists() else ():
        yield json.loads(line)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"runs cannot be kept in {folder}: {error.strerror}; make room or give rights") from error


def _name_variable(name: str) -> str:
    return name.upper() if name.startswith("openai_") else f"CHATBOT_{name.upper()}"


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("error: ") if lines else "it ended without a word; look at the memory and the disk"
