"""CSV and TSV with a header, as spreadsheets, publishers and Zotero write them, one paper a row.

Knows separators and quotes; leaves the meaning of columns to ``columns``.
"""

import csv
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from chatbot.errors import SourceError
from chatbot.records import Paper, Skipped
from chatbot.sources.columns import find_columns, row_to_paper
from chatbot.sources.fields import paper_or_skipped
from chatbot.sources.text import read_head, read_lines

NAME = "CSV or TSV (with columns title and abstract)"
RANK = 2
_SEPARATORS = ",\t;"


def recognises(path: Path, head: str) -> bool:
    """Tell whether the first line names the columns of a title and an abstract, or the name says so."""
    if {".csv", ".tsv"} & set(path.suffixes[-2:]):
        return True
    first = head.lstrip().split("\n", 1)[0]
    try:
        return first[:1] not in "{[" and bool(
            find_columns(path, next(csv.reader([first], delimiter=_separator(first))))
        )
    except (SourceError, csv.Error):
        return False


def read(path: Path) -> Iterator[Paper | Skipped]:
    """Yield a Paper a row. Raises SourceError, which lists the columns, without one for the title or the abstract."""
    return read_columns(path, {})


def read_columns(path: Path, named: Mapping[str, str]) -> Iterator[Paper | Skipped]:
    """Yield what ``read`` does, from the columns that are ``named`` for some fields."""
    rows = csv.reader(_decode(path), delimiter=_separator(read_head(path).lstrip().split("\n", 1)[0]))
    header = list[str]()
    while True:
        start = rows.line_num + 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except EOFError:
            yield Skipped(f"line {start}", "the file breaks off here: damaged gzip")
            return
        except csv.Error as error:
            yield Skipped(f"line {start}", f"{error}; is a quote left open?")
            continue
        if not any(cell.strip() for cell in row):
            continue
        if not header:
            header, columns = row, find_columns(path, row, named)
            continue
        yield paper_or_skipped(f"line {start}", partial(_to_paper, header=header, columns=columns), row)


def _separator(line: str) -> str:
    return max(_SEPARATORS, key=line.count)


def _decode(path: Path) -> Iterator[str]:
    """Yield the lines of ``path``; bytes that are not UTF-8 become surrogates. Raises EOFError at damage."""
    for number, line in read_lines(path):
        if line is None:
            raise EOFError
        yield line.decode("utf-8-sig" if number == 1 else "utf-8", "surrogateescape")


def _to_paper(row: list[str], header: list[str], columns: dict[str, str]) -> Paper:
    if len(row) != len(header):
        raise ValueError(f"{len(row)} cells under {len(header)} columns")
    if any("\ud800" <= sign <= "\udfff" for cell in row for sign in cell):
        raise ValueError("not UTF-8; save the table as UTF-8")
    return row_to_paper(dict(zip(header, row, strict=True)), columns)
