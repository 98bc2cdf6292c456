"""Many questions at once: a JSON Lines file in, one JSON line out for each.

Knows the form of such a file; leaves answering to whoever calls it.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import typer

from chatbot.errors import ChatbotError, InputError
from chatbot.options import print_json


def run_batch(path: Path, work: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Print one JSON line for each line of ``path``; a line that fails gives ``error`` and exit code 1 at the end."""
    failed = False
    for number, record in _read_batch(path):
        identity = {"id": record["id"]} if "id" in record else {}
        try:
            if unusable := record.pop("unusable"):
                raise InputError(f"{path} line {number}: {unusable}")
            result = work(record)
        except ChatbotError as error:
            if not isinstance(error, InputError):
                raise
            failed, result = True, {"question": record.get("question", ""), "error": str(error)}
        print_json(identity | result)
    if failed:
        raise typer.Exit(1)


def _read_batch(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    from chatbot.sources.text import read_text

    for number, line in enumerate(read_text(path).split("\n"), 1):
        if line.strip():
            yield number, _parse_batch_line(line)


def _parse_batch_line(line: str) -> dict[str, Any]:
    """Return the record of ``line``, with what makes it ``unusable``, if anything."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        return {"unusable": f"not valid JSON ({error})"}
    if not isinstance(record, dict):
        return {"unusable": "not an object"}
    record.setdefault("history", [])
    history_ok = isinstance(record["history"], list) and all(isinstance(turn, str) for turn in record["history"])
    if not isinstance(record.get("question"), str) or not history_ok:
        kept = {key: record[key] for key in ("id",) if key in record}
        return kept | {"unusable": "needs a question and a list history"}
    return record | {"unusable": ""}
