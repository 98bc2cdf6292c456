"""Write what happens as JSON, a line each, to standard error: time, event, who (as a hash), milliseconds, status.

Knows how a line looks; knows nothing of questions, answers or passwords, which are not given to it. Of what other
libraries print there, only the kind and the place of errors is written, for the rest could hold a question.
"""

import hashlib
import io
import json
import logging
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

_PLACE, _ERROR = re.compile(r' +File "(.+)", line (\d+)'), re.compile(r"([A-Za-z_][\w.]*)(?::|$)")
_LOG = logging.getLogger("chatbot.serving")


@contextmanager
def logging_to_stderr() -> Iterator[None]:
    """Send the lines to standard error, and keep what is not a line away from it."""
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(_Lines())
    _LOG.handlers[:], _LOG.propagate = [lines], False
    _LOG.setLevel(logging.INFO)
    with redirect_stderr(_Printed()):
        yield


def join_log(name: str) -> None:
    """Let the logger of another library, as ``uvicorn``, write lines too, in place of what it was set up to do."""
    logger = logging.getLogger(name)
    logger.handlers[:], logger.propagate = _LOG.handlers, False


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


class _Printed(io.TextIOBase):
    """A file that makes one line of each traceback, and nothing of other text."""

    def __init__(self) -> None:
        self._begun = ""
        self._places: list[str] = []

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *whole, self._begun = (self._begun + text).split("\n")
        for line in whole:
            if found := _PLACE.match(line):
                self._places.append(f"{Path(found[1]).name}:{found[2]}")
            elif self._places and (found := _ERROR.match(line)):
                log("error", error=found[1], where=" < ".join(self._places[:-4:-1]))
                self._places.clear()
        return len(text)
