"""The file that lists which records of an ingest failed and why, beside the index.

Knows one JSON Lines file; knows nothing of sources, and never tells an ingest what to leave out: all is tried again.
"""

import json
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

_FILE = "ingest-report.jsonl"


@dataclass(frozen=True, slots=True)
class Fault:
    """A record that failed; ``where`` is its place in the source, empty when the whole source failed."""

    source: str
    where: str
    reason: str


def update_faults(folder: Path, sources: Collection[str], faults: Iterable[Fault]) -> Path | None:
    """List ``faults`` in place of what was listed for ``sources``, and return the file when it lists any of theirs.

    What is listed for other sources stays; a file with nothing to list is removed. Raises OSError.
    """
    path, mine = folder / _FILE, [json.dumps(asdict(fault)) for fault in faults]
    lines = [line for line in _read_lines(path) if _source(line) not in sources] + mine
    if lines:
        draft = path.with_suffix(".new")
        draft.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        draft.replace(path)
    else:
        path.unlink(missing_ok=True)
    return path if mine else None


def _read_lines(path: Path) -> list[str]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", errors="replace") as file:
        return [line.rstrip("\n") for line in file]


def _source(line: str) -> str:
    try:
        return str(json.loads(line)["source"])
    except (ValueError, KeyError, TypeError):
        return ""
