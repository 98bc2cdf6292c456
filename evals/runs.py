"""Ask every question of a set and keep the answers in a folder, so that they can be scored again at any time.

Knows the folder of a run; knows nothing of what scores mean. A run that was cut off, even by ``kill -9``, goes on
where it stopped: each answer is on the disk before the next question counts as done, and an error is never kept as
an answer.
"""

import hashlib
import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from chatbot import PaperChatbot
from chatbot.errors import ChatbotError, InputError
from chatbot.records import Paper
from evals.jsonl import read_jsonl, write_papers
from evals.questions import QUESTIONS, Sample, load_questions
from evals.records import Run
from evals.scores import score_sample

# What must not change from one part to the next.
_SAME = ("questions", "corpus", "prompts", "settings", "model", "commit")


def run_questions(
    out: Path,
    bot: PaperChatbot,
    questions: Path = QUESTIONS,
    split: str | None = None,
    jobs: int = 1,
    progress: Callable[[int], None] = lambda count: None,
) -> Run:
    """Ask the questions that ``out`` has no answer to yet, ``jobs`` at a time, and return the whole run.

    Raises InputError when ``out`` holds a run of something else.
    """
    samples = load_questions(questions, split)
    carried = _with_carriers(bot, samples, out)
    manifest = _describe(bot, questions, split)
    _begin(out, manifest, questions)
    _mend_last_line(out / "answers.jsonl")
    done = {record["id"] for record in _read_answers(out) if "answer" in record}
    progress(len(done))
    with (out / "answers.jsonl").open("a", encoding="utf-8") as file, ThreadPoolExecutor(jobs) as pool:
        waiting = {
            pool.submit(_ask, carried if sample.carrier else bot, sample) for sample in samples if sample.id not in done
        }
        try:
            for finished in as_completed(waiting):
                file.write(json.dumps(finished.result()) + "\n")
                file.flush()
                os.fsync(file.fileno())
                progress(1)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    _finish(out, samples, bot, carried)
    return load_run(out)


def load_run(folder: Path) -> Run:
    """Return the run in ``folder``, scored anew. Raises InputError when it is none, or was changed since it ended."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        papers = {record["id"]: Paper(**_tuples(record)) for record in read_jsonl(folder / "papers.jsonl")}
        answers = {record["id"]: record for record in _read_answers(folder)}
        samples = load_questions(folder / "questions.jsonl", manifest["split"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{folder} holds no finished run; make one with: python -m evals run --out {folder}"
        ) from error
    for name, digest in manifest["files"].items():
        if _hash_file(folder / name) != digest:
            raise InputError(f"{folder / name} was changed after the run ended; run it again")
    missing = {"error": "not asked"}
    recorded = [answers.get(sample.id, missing) for sample in samples]
    scored = (
        score_sample(sample, record.get("answer"), record.get("error", ""), papers)
        for sample, record in zip(samples, recorded, strict=True)
    )
    return Run(folder, manifest, tuple(scored), papers)


def _ask(bot: PaperChatbot, sample: Sample) -> dict[str, Any]:
    try:
        return {"id": sample.id, "answer": bot.ask(sample.question, sample.turns[:-1]).to_dict()}
    except ChatbotError as error:
        return {"id": sample.id, "error": str(error)}


def _describe(bot: PaperChatbot, questions: Path, split: str | None) -> dict[str, Any]:
    return {
        "questions": _hash_file(questions),
        "split": split,
        "corpus": _hash_papers(bot.papers()),
        "prompts": bot.answerer.prompts.fingerprint,
        "settings": bot.settings.fingerprint(),
        "model": bot.answerer.model,
        "commit": _read_commit(),
        "version": version("paper-chatbot"),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "files": {},
    }


def _begin(out: Path, manifest: Mapping[str, Any], questions: Path) -> None:
    """Make the folder of a run, or check that the one there is of the same questions, papers and settings."""
    path = out / "manifest.json"
    if path.exists():
        before = json.loads(path.read_text(encoding="utf-8"))
        changed = [key for key in _SAME if before[key] != manifest[key]]
        if changed or before["split"] != manifest["split"]:
            what = ", ".join(changed or ["split"])
            raise InputError(f"{out} holds a run with other {what}; give another folder with --out")
        return
    out.mkdir(parents=True, exist_ok=True)
    (out / "questions.jsonl").write_bytes(questions.read_bytes())
    path.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def _finish(out: Path, samples: Sequence[Sample], *bots: PaperChatbot) -> None:
    """Keep the papers concerned, and the hashes by which a later change of the files is noticed."""
    wanted = {key for sample in samples for key in sample.papers}
    for record in _read_answers(out):
        if "answer" in record:
            wanted |= {hit["paper_id"] for hit in record["answer"]["retrieved"]}
            wanted |= {citation["paper_id"] for citation in record["answer"]["citations"]}
    papers = {paper.id: paper for bot in reversed(bots) for paper in bot.reader.papers(sorted(wanted))}
    write_papers(out / "papers.jsonl", papers.values())
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"] = {name: _hash_file(out / name) for name in ("questions.jsonl", "answers.jsonl", "papers.jsonl")}
    (out / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def _with_carriers(bot: PaperChatbot, samples: Sequence[Sample], out: Path) -> PaperChatbot:
    """Return a chatbot over the papers of ``bot`` and the carriers of hidden orders; ``bot`` when there are none."""
    carriers = {sample.carrier.id: sample.carrier for sample in samples if sample.carrier}
    if not carriers:
        return bot
    source = out / "carriers.jsonl"
    out.mkdir(parents=True, exist_ok=True)
    write_papers(source, [*bot.papers(), *carriers.values()])
    carried = type(bot)(bot.settings.model_copy(update={"index": out / "carriers", "chroma_url": ""}))
    carried.ingest(source)
    return carried


def _read_answers(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the recorded answers; a last line that was cut off by a crash is left out."""
    path = folder / "answers.jsonl"
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            yield json.loads(line)
        except ValueError:
            continue


def _mend_last_line(path: Path) -> None:
    """End a line that a crash cut off, so that the next answer starts on one of its own."""
    if path.exists() and path.stat().st_size and not path.read_bytes().endswith(b"\n"):
        with path.open("a", encoding="utf-8") as file:
            file.write("\n")


def _tuples(record: Mapping[str, Any]) -> dict[str, Any]:
    return {**record, "authors": tuple(record["authors"])}


def _hash_file(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _hash_papers(papers: Iterator[Paper]) -> str:
    digest = hashlib.sha256()
    for paper in sorted(papers, key=lambda paper: paper.id):
        digest.update(f"{paper.id}\n{paper.text}\n".encode())
    return digest.hexdigest()[:16]


def _read_commit() -> str:
    """Return the commit of the code, and a hash of what was changed since; empty outside a checkout."""
    here = Path(__file__).resolve().parent
    git = ("git", "-C", str(here))
    found = subprocess.run([*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True)
    if found.returncode:
        return ""
    changed = subprocess.run([*git, "diff", "HEAD"], capture_output=True).stdout
    return found.stdout.strip() + (f"+{hashlib.sha256(changed).hexdigest()[:8]}" if changed else "")
