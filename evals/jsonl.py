"""Read the committed JSON Lines files of questions and claims, and write files of papers that can be ingested.

Knows the form of such files; knows nothing of what their records mean.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from chatbot.records import Paper


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    """Return the records of ``path``, one a line."""
    with path.open(encoding="utf-8") as file:  # whose lines end with a newline alone, unlike those of splitlines
        return [json.loads(line) for line in file]


def write_papers(path: Path, papers: Iterable[Paper]) -> None:
    """Write ``papers`` to ``path``, one a line."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(asdict(paper)) + "\n" for paper in papers)
