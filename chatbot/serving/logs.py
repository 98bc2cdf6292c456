"""Write what happens as JSON, a line each, to standard error: time, event, who (as a hash), milliseconds, status.

Knows how a line looks; knows nothing of questions, answers or passwords, which are not given to it.
"""

import hashlib
import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

_LOG = logging.getLogger("chatbot.serving")


def start_log() -> None:
    """Send the lines to standard error; what the web server itself has to say too."""
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(_Lines())
    for logger in (_LOG, logging.getLogger("uvicorn")):
        logger.handlers[:] = [lines]
        logger.propagate = False
    _LOG.setLevel(logging.INFO)


def log(event: str, **fields: str | float | None) -> None:
    """Write one line; fields that are None are left out."""
    _LOG.info(event, extra={"fields": fields})


def hash_name(name: str) -> str:
    """Return 12 hex digits that stand for a visitor, the same each time; "" for nobody."""
    return hashlib.sha256(name.encode()).hexdigest()[:12] if name else ""


def locate(trace: TracebackType | None) -> str:
    """Return where an error arose, innermost last; not its text, which could hold a question."""
    return " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in reversed(traceback.extract_tb(trace)[-3:]))


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {"time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")}
        fields = getattr(record, "fields", None)
        if fields is None:  # the web server's
            fields = {"status": record.levelname.lower(), "message": record.getMessage()}
            if record.exc_info and record.exc_info[0]:
                fields |= {"error": record.exc_info[0].__name__, "where": locate(record.exc_info[2])}
            return json.dumps(line | {"event": "server"} | fields)
        return json.dumps(
            line | {"event": record.getMessage()} | {name: value for name, value in fields.items() if value is not None}
        )
