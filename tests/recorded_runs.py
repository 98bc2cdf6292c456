"""Small runs on disk, as ``python -m evals run`` leaves them: twenty papers, two questions about each.

Knows the files of a run; knows nothing of scores or statistics.
"""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

QUESTIONS = 40
Answer = dict[str, Any]


def write_run(
    folder: Path,
    wrong: Collection[int] = (),
    replaced: Mapping[int, Answer | str] | None = None,
    manifest: Mapping[str, str] | None = None,
) -> Path:
    """Write a run in which all but ``wrong`` answers tell the one key fact; return its folder.

    ``replaced`` puts answers, or errors as text, in the place of others; ``manifest`` changes what the run is of.
    """
    records: list[dict[str, Any]] = []
    for number in range(QUESTIONS):
        answer = (replaced or {}).get(number, make_answer(number, number not in wrong))
        records.append({"id": f"q{number}", "error" if isinstance(answer, str) else "answer": answer})
    folder.mkdir(parents=True)
    described = {"questions": "q", "split": None, "corpus": "c", "prompts": "p", "settings": "s", "model": "extractive"}
    rest = {"commit": "", "version": "0.1.0", "created": "2025-01-01T00:00:00+00:00", "files": {}}
    (folder / "manifest.json").write_text(json.dumps(described | rest | dict(manifest or {})))
    _write_lines(folder / "answers.jsonl", records)
    _write_lines(folder / "questions.jsonl", [_make_question(number) for number in range(QUESTIONS)])
    _write_lines(folder / "papers.jsonl", [_make_paper(number) for number in range(QUESTIONS // 2)])
    return folder


def make_answer(number: int, right: bool = True, **changes: Any) -> Answer:
    """Return an answer that quotes the sentence with the key fact of a question, or the one without."""
    paper = _make_paper(number // 2)
    quote = f"It reaches {number} points." if right else "We study it."
    start = f"{paper['title']}\n{paper['abstract']}".index(quote)
    citation = {"number": 1, "paper_id": paper["id"], "title": paper["title"], "quote": quote}
    return {
        "status": "answered",
        "answer": f"“{quote}” [1]",
        "sentences": [{"text": quote, "citations": [1], "verdict": "supported", "reason": ""}],
        "citations": [citation | {"start": start, "end": start + len(quote)}],
        "retrieved": [{"rank": 1, "paper_id": paper["id"], "title": paper["title"], "score": 1.0}],
        "confidence": 0.9 if right else 0.4,
        "usage": None,
        "timings_ms": {"retrieve": 10.0 + number, "answer": 1.0, "total": 11.0 + number},
    } | changes


def make_refusal(number: int) -> Answer:
    """Return an abstention from a question."""
    nothing: dict[str, Any] = {"status": "abstained", "answer": "Not found.", "sentences": [], "citations": []}
    return make_answer(number, confidence=0.1) | nothing


def _make_paper(number: int) -> dict[str, Any]:
    told = " ".join(f"It reaches {each} points." for each in (2 * number, 2 * number + 1))
    return {"id": f"p{number}", "title": f"Paper {number}", "abstract": f"We study it. {told}", "authors": []}


def _make_question(number: int) -> dict[str, Any]:
    fact = {"fact": "the points", "aliases": [f"{number} points"], "evidence": []}
    kind = {"id": f"q{number}", "type": "figures" if number % 2 else "lookup", "split": "dev", "expected": "answered"}
    asked = f"How many points does paper {number // 2} reach, {number}?"
    return kind | {"turns": [asked], "papers": [f"p{number // 2}"], "facts": [fact], "forbidden": []}


def _write_lines(path: Path, records: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
