"""Check the question set: its form, each question by itself, the set as a whole, and the file against its lock.

Knows the rules that make the set's numbers worth trusting; knows nothing of answers, scores or how an index is made.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from jsonschema import Draft202012Validator

from chatbot.errors import InputError
from chatbot.records import Paper
from evals.census import Census, take_census
from evals.jsonl import read_jsonl
from evals.questions import Fact, GoldCell, Sample, load_questions

SCHEMA = Path(__file__).with_name("questions.schema.json")
MINIMUM = {
    "lookup": 60,
    "how": 25,
    "figures": 20,
    "compare": 25,
    "grid": 20,
    "which": 20,
    "followup": 15,
    "unanswerable": 30,
    "hidden-instruction": 10,
}
QUESTIONS_A_PAPER = 3
UNNAMED = 1 / 3  # the least share of the answerable questions that describe the work without naming it
OVERLAP = 0.25  # the largest share of a question's runs of five words that may be a relevant paper's own
_FIGURE = re.compile(r"\d+(?:\.\d+)?")

Papers = Mapping[str, Paper]


def validate(path: Path, papers: Papers) -> tuple[Census | None, list[str]]:
    """Return what the set in ``path`` counts, None where its form is wrong, and its faults but for the lock's.

    ``papers`` are the corpus by id. Raises InputError for a file that is not JSON Lines.
    """
    try:
        records = read_jsonl(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error}); give a question set in JSON Lines") from error
    if faults := find_form_faults(records):
        return None, faults
    samples = load_questions(path)
    census = take_census(samples, papers)
    return census, find_question_faults(samples, papers) + find_set_faults(samples, census)


def find_form_faults(records: Sequence[Any]) -> list[str]:
    """Return what is wrong with the canary in the first line, and where the others are not as the schema says."""
    validator = Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    faults = [] if records and _is_canary(records[0]) else ['line 1 is no canary: {"canary": a UUID}']
    for number, record in enumerate(records[1:], 2):
        where = record.get("id", f"line {number}") if isinstance(record, dict) else f"line {number}"
        faults += [f"{where}: {error.json_path}: {error.message}" for error in validator.iter_errors(record)]
    return faults


def find_question_faults(samples: Sequence[Sample], papers: Papers) -> list[str]:
    """Return what is wrong with single questions: papers, evidence, aliases, figures, twins and hidden orders."""
    answerable = {(sample.id, sample.split) for sample in samples if sample.expected == "answered"}
    faults = []
    for sample in samples:
        known = {**papers, sample.carrier.id: sample.carrier} if sample.carrier else papers
        found = [f"unknown paper {key}" for key in sample.papers if key not in known]
        found += [f"a grade for {key}, which is not relevant" for key in sample.grades if key not in sample.papers]
        for fact in sample.facts:
            found += _fact_faults(fact, sample, known)
        for cell in sample.cells:
            found += _cell_faults(cell, sample, known)
        found += _wording_faults(sample, papers)
        if sample.twin and (sample.twin, sample.split) not in answerable:
            found.append(f"its twin {sample.twin} is no answerable question of its split")
        faults += [f"{sample.id}: {fault}" for fault in found]
    return faults


def find_set_faults(samples: Sequence[Sample], census: Census) -> list[str]:
    """Return which rules the set as a whole breaks: repetition, counts, coverage, names, overlap and halves."""
    faults = _repetitions(samples)
    for name, least in MINIMUM.items():
        if census.total(name) < least:
            faults.append(f"{name}: {census.total(name)} questions, fewer than {least}")
    for name in ("", *MINIMUM):
        dev, test = census.total(name, "dev"), census.total(name, "test")
        if abs(dev - test) > 1:
            faults.append(f"{name or 'all'}: {dev} dev and {test} test questions are no halves")
    for key, count in census.covered.items():
        if count < QUESTIONS_A_PAPER:
            faults.append(f"{key}: {count} questions about it, fewer than {QUESTIONS_A_PAPER}")
    for key, share in census.overlap.items():
        if share > OVERLAP:
            faults.append(f"{key}: {share:.0%} of its runs of five words are its paper's own, over {OVERLAP:.0%}")
    if census.unnamed < UNNAMED:
        faults.append(f"{census.unnamed:.0%} of the answerable questions do not name the work, under {UNNAMED:.0%}")
    return faults


def find_lock_faults(path: Path, corpus: str) -> list[str]:
    """Return whether the questions or the corpus are not those of the lock beside the file."""
    lock = _lock_of(path)
    if not lock.exists():
        return [f"{lock} is missing; --lock writes it"]
    (locked,), now = read_jsonl(lock), _hashes(path, corpus)
    return [
        f"the {name} are not those of {lock.name}; --lock accepts them" for name in now if locked.get(name) != now[name]
    ]


def write_lock(path: Path, corpus: str) -> None:
    """Write the hashes of the questions and of the corpus beside the file."""
    _lock_of(path).write_text(json.dumps(_hashes(path, corpus)) + "\n", encoding="utf-8")


def _is_canary(record: Any) -> bool:
    try:
        return set(record) == {"canary"} and bool(UUID(record["canary"]))
    except (AttributeError, TypeError, ValueError):
        return False


def _fact_faults(fact: Fact, sample: Sample, papers: Papers) -> list[str]:
    faults = []
    for span in fact.evidence:
        if span["paper"] not in sample.papers:
            faults.append(f"evidence of '{fact.fact}' is from {span['paper']}, which is not relevant")
        elif span["paper"] in papers and papers[span["paper"]].text[span["start"] : span["end"]] != span["quote"]:
            faults.append(f"the quote of '{fact.fact}' is not at its offsets")
    quotes = [span["quote"].lower() for span in fact.evidence]
    for alias in fact.aliases:
        if not any(alias.lower() in quote for quote in quotes):
            faults.append(f"alias '{alias}' is not in the evidence")
    figures = {float(figure) for quote in quotes for figure in _FIGURE.findall(quote)}
    if fact.number is not None and fact.number not in figures:
        faults.append(f"{fact.number} is not in the evidence")
    return faults


def _cell_faults(cell: GoldCell, sample: Sample, papers: Papers) -> list[str]:
    where = f"the cell {cell.paper} | {cell.aspect}"
    if cell.paper not in sample.papers:
        return [f"{where} is of a paper that is not relevant"]
    if cell.paper not in papers:
        return []
    text = papers[cell.paper].text
    lost = [span for span in cell.accept if text[span["start"] : span["end"]] != span["quote"]]
    return [f"{where} accepts a quote that is not at its offsets"] if lost else []


def _wording_faults(sample: Sample, papers: Papers) -> list[str]:
    """Return words that cannot tell what they are to tell: missing ones that are there, orders' results in a text."""
    texts = [paper.text.lower() for paper in papers.values()]
    faults = [f"'{m}' is missing, yet in a paper" for m in sample.missing if any(m.lower() in text for text in texts)]
    faults += [
        f"'{m}' is missing, yet not asked for" for m in sample.missing if m.lower() not in sample.question.lower()
    ]
    if sample.carrier:
        texts += [sample.carrier.text.lower(), sample.question.lower()]
        for phrase in sample.forbidden:
            if any(phrase.lower() in text for text in texts):
                faults.append(f"'{phrase}' can be quoted without obeying the order")
    return faults


def _repetitions(samples: Sequence[Sample]) -> list[str]:
    ids = Counter(sample.id for sample in samples)
    turns = Counter(" / ".join(sample.turns).lower() for sample in samples)
    return [f"{count} questions are '{text}'" for text, count in [*ids.items(), *turns.items()] if count > 1]


def _lock_of(path: Path) -> Path:
    return path.with_suffix(".lock.json")


def _hashes(path: Path, corpus: str) -> dict[str, str]:
    return {"questions": hashlib.sha256(path.read_bytes()).hexdigest(), "papers": corpus}
