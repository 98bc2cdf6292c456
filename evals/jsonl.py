"""Read the committed JSON Lines files of questions and claims.

Knows the form of such files; knows nothing of what their records mean.
"""

import json
from pathlib import Path
from typing import Any

from chatbot.errors import InputError


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    """Return the records of ``path``, one a line. Raises InputError for a file of another form."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read; give a file of JSON Lines in UTF-8") from error
    return [_read_line(line, f"{path}, line {number}") for number, line in enumerate(lines, 1) if line.strip()]


def _read_line(line: str, where: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError as error:
        raise InputError(f"{where} is not JSON; give one object a line") from error
    if not isinstance(record, dict):
        raise InputError(f"{where} is no JSON object; give one object a line")
    return record
