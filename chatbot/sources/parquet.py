"""Parquet, one paper a row, read a batch at a time.

Knows pyarrow, which the extra ``parquet`` brings; leaves the meaning of columns to ``columns``.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from chatbot.errors import SourceError
from chatbot.records import Paper, Skipped
from chatbot.sources.columns import find_columns, row_to_paper
from chatbot.sources.fields import paper_or_skipped
from chatbot.sources.text import open_bytes

NAME = "Parquet (with columns title and abstract)"
RANK = 0
ROWS_A_BATCH = 1000
_INSTALL = "run: pip install 'paper-chatbot[parquet]'"


def recognises(path: Path, head: str) -> bool:
    """Tell whether the file begins with Parquet's mark."""
    return head.startswith("PAR1")


def read(path: Path) -> Iterator[Paper | Skipped]:
    """Yield a Paper a row.

    Raises SourceError when pyarrow is missing, the file is damaged, or no column holds the title or the abstract.
    """
    return read_columns(path, {})


def read_columns(path: Path, named: Mapping[str, str]) -> Iterator[Paper | Skipped]:
    """Yield what ``read`` does, from the columns that are ``named`` for some fields."""
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise SourceError(f"{path} is Parquet, which needs pyarrow; {_INSTALL}") from error
    with open_bytes(path) as file:
        try:
            table = parquet.ParquetFile(file)
            columns = find_columns(path, table.schema_arrow.names, named)
            batches = table.iter_batches(ROWS_A_BATCH, columns=sorted(set(columns.values())))
            for number, row in enumerate((row for batch in batches for row in batch.to_pylist()), 1):
                yield paper_or_skipped(f"row {number}", partial(row_to_paper, columns=columns), row)
        except (ArrowException, OSError, EOFError, ValueError) as error:
            reason = " ".join(str(error).split())[:200]
            raise SourceError(f"{path} is damaged Parquet ({reason}); fetch it again") from error
