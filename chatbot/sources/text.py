"""Open a source as bytes or text, gzipped or not, with errors a user can act on, and limits that no bomb passes.

Knows encodings and compression; knows nothing of formats or papers.
"""

import gzip
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

from chatbot.errors import SourceError

MOST_BYTES = 256_000_000  # of a file that is read as a whole, unpacked
MOST_LINE = 16_000_000  # bytes
_DAMAGE = (EOFError, zlib.error, gzip.BadGzipFile)


def open_bytes(path: Path) -> BinaryIO:
    """Open ``path`` for reading, unpacking gzip. Raises SourceError when it cannot be opened."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        return cast(BinaryIO, gzip.open(path)) if packed else path.open("rb")
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}; check the name and the permissions") from error


def read_head(path: Path, size: int = 4096) -> str:
    """Return the beginning of ``path`` as text, as far as it is. Raises SourceError when it is empty."""
    with open_bytes(path) as file:
        try:
            head = file.read(size)
        except _DAMAGE as error:
            raise SourceError(f"{path} is a damaged gzip file; fetch it again") from error
    text = head.decode("utf-8-sig", errors="replace")
    if not text.strip():
        raise SourceError(f"{path} is empty; nothing was changed")
    return text


def read_text(path: Path) -> str:
    """Return all of ``path``. Raises SourceError, with the line, when it is not UTF-8, and when it is too large."""
    with open_bytes(path) as file:
        try:
            data = file.read(MOST_BYTES + 1)
        except _DAMAGE as error:
            raise SourceError(f"{path} is a damaged gzip file; fetch it again") from error
    if len(data) > MOST_BYTES:
        raise SourceError(f"{path} holds more than {MOST_BYTES // 1_000_000} MB; split it, or give it as JSON Lines")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SourceError(f"{path} line {line} is not UTF-8; save the file as UTF-8") from error


def read_lines(path: Path) -> Iterator[tuple[int, bytes | None]]:
    """Yield ``(number, line)`` from 1 on, and None for the line where a damaged gzip file breaks off.

    Raises SourceError at a line that is too long for any record.
    """
    with open_bytes(path) as file:
        number = 0
        try:
            for number, line in enumerate(iter(partial(file.readline, MOST_LINE + 1), b""), 1):
                if len(line) > MOST_LINE:
                    most = MOST_LINE // 1_000_000
                    raise SourceError(f"{path} line {number} has more than {most} MB, which is no paper; take it out")
                yield number, line
        except _DAMAGE:
            yield number + 1, None
