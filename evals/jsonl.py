"""Read the committed JSON Lines files of questions and claims.

Knows the form of such files; knows nothing of what their records mean.
"""

import json
from pathlib import Path
from typing import Any


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    """Return the records of ``path``, one a line."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
