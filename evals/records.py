"""A finished or half-finished evaluation run as the other modules see it.

Knows only data; knows nothing of files or scores.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatbot.records import Paper
from evals.scores import Scored


@dataclass(frozen=True, slots=True)
class Run:
    """One run: its folder, the manifest that says of what, a Scored for each question, and the papers concerned."""

    folder: Path
    manifest: Mapping[str, Any]
    scored: tuple[Scored, ...]
    papers: Mapping[str, Paper]
