"""Stop a change that makes answers worse: a run held against a committed baseline, and what must never happen.

Knows runs, the baseline's file and comparisons; knows nothing of how answers are made. The baseline is JSON Lines:
what the run was of, then the scores of each question by its id.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from chatbot.errors import InputError
from evals.comparing import Compared, Difference, compare_runs
from evals.jsonl import read_jsonl
from evals.records import Run
from evals.scores import Answer, Scored

_KEPT = ("questions", "split", "corpus", "model", "version", "commit")
_MARK = re.compile(r"\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Judged:
    """What the gate found: the comparison with the baseline, and a line for each broken invariant."""

    compared: Compared
    broken: tuple[str, ...]

    @property
    def losses(self) -> list[Difference]:
        """Return the metrics that are worse, by more than chance can explain."""
        return [each for each in self.compared.differences if each.verdict == "worse"]

    @property
    def passed(self) -> bool:
        """Tell whether nothing got worse and nothing is broken."""
        return not self.losses and not self.broken


def judge_run(run: Run, baseline: Path) -> Judged:
    """Return what the gate finds in ``run``.

    Raises InputError when ``baseline`` cannot be read, or was made over other questions or papers.
    """
    return Judged(compare_runs(read_baseline(baseline, run), run), tuple(find_broken(run)))


def write_baseline(run: Run, path: Path) -> None:
    """Write the scores of ``run`` as the baseline of later ones. Raises InputError when the run has errors."""
    failed = [each.sample.id for each in run.scored if each.answer is None]
    if failed:
        raise InputError(f"{run.folder} has no answer to {failed[0]} and {len(failed) - 1} others; run it again first")
    lines = [{key: run.manifest[key] for key in _KEPT if key in run.manifest}]
    lines += [{"id": each.sample.id, "scores": _known(each)} for each in run.scored]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def read_baseline(path: Path, run: Run) -> Run:
    """Return the baseline as a run without answers over the questions of ``run``. Raises InputError."""
    made = f"make one with: python -m evals gate {run.folder} --write FILE"
    try:
        manifest, *records = map(dict, read_jsonl(path))
        scores = {record["id"]: record["scores"] for record in records}
        scored = tuple(Scored(each.sample, None, "", scores[each.sample.id]) for each in run.scored)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{path} holds no baseline; {made}") from error
    except KeyError as error:
        raise InputError(f"{path} is a baseline of other questions; {made}") from error
    if len(scored) != len(scores):
        raise InputError(f"{path} is a baseline of other questions; {made}")
    return Run(path, manifest, scored, {})


def find_broken(run: Run) -> Iterator[str]:
    """Yield a line for each error, invalid quotation and citation number that stands for nothing."""
    for each in run.scored:
        if each.answer is None:
            yield f"{each.sample.id}: no answer ({each.error})"
            continue
        valid = each.scores["valid_quotes"]
        if valid is not None and valid < 1:
            yield f"{each.sample.id}: a quotation is not what stands at its place in the paper"
        if invented := _find_invented(each.answer):
            yield f"{each.sample.id}: cites {', '.join(f'[{number}]' for number in invented)}, which no citation has"


def _known(scored: Scored) -> dict[str, float]:
    return {name: score for name, score in scored.scores.items() if score is not None}


def _find_invented(answer: Answer) -> list[int]:
    """Return the numbers cited that no citation has; one in a paper's own words is no citation."""
    quoted = {number for citation in answer["citations"] for number in _MARK.findall(citation["quote"])}
    marked = {int(number) for number in _MARK.findall(answer["answer"]) if number not in quoted}
    marked |= {number for sentence in answer["sentences"] for number in sentence["citations"]}
    return sorted(marked - {citation["number"] for citation in answer["citations"]})
