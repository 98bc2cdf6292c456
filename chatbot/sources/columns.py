"""The columns of a table of papers, under the names that reference managers, publishers and data sets give them.

Knows names of columns and how authors stand in one cell; knows nothing of the kind of table.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from chatbot.errors import SourceError
from chatbot.records import Paper
from chatbot.sources.fields import make_paper, turn_name

_TWO_NAMES = re.compile(
    r"\s*(?:[^\W\d_a-z][^\s,]*\s+)+[^\W\d_a-z][^\s,]*\s*,\s*(?:[^\W\d_a-z][^\s,]*\s+)+[^\W\d_a-z][^\s,]*\s*"
)
_NAMES = {
    "id": ("id", "paperid", "articleid", "arxivid", "pmid", "eid"),
    "title": ("title", "articletitle", "papertitle", "documenttitle", "displayname", "titles", "ti"),
    "abstract": ("abstract", "abstractnote", "abstracttext", "summary", "abstracts", "summaries", "ab"),
    "authors": ("authors", "author", "authorfullnames", "authornames", "au"),
    "venue": ("venue", "journal", "publicationtitle", "sourcetitle", "booktitle", "journalbook", "conference", "so"),
    "year": ("year", "publicationyear", "date", "publicationdate", "published", "updatedate", "py"),
    "url": ("url", "link", "urls", "pdfurl", "pdflink"),
    "doi": ("doi", "di"),
    "arxiv": ("arxivid", "arxiv", "eprint"),
}  # fmt: skip


def parse_columns(text: str) -> dict[str, str]:
    """Return the columns by field that ``text`` names, as in ``title=Name,abstract=Text``.

    Raises SourceError for what is not of this form, or for a field that papers don't have.
    """
    pairs = [pair.partition("=") for pair in text.split(",") if pair.strip()]
    named = {field.strip(): column.strip() for field, _, column in pairs}
    for field, column in named.items():
        if field not in _NAMES or not column:
            raise SourceError(
                f"columns “{text}” cannot be read; write FIELD=COLUMN,… with fields of: {', '.join(_NAMES)}"
            )
    return named


def find_columns(path: object, columns: Sequence[str], named: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the column of ``columns`` for each field of a paper that has one, the one ``named`` for it or a usual one.

    Raises SourceError, which lists the columns of ``path``, when one that is named is not there, or when there is none
    for the title or the abstract.
    """
    listed = " ".join(", ".join(columns).split())[:300]
    for column in (named or {}).values():
        if column not in columns:
            raise SourceError(f"{path} has no column '{column}', but: {listed}; name one of these")
    plain = {re.sub(r"[\W_]", "", column.lower()): column for column in reversed(columns)}
    found = {field: plain[name] for field, names in _NAMES.items() for name in reversed(names) if name in plain}
    found |= named or {}
    for field in ("title", "abstract"):
        if field not in found:
            raise SourceError(f"{path} has no column '{field}', but: {listed}; name it with --columns {field}=…")
    return found


def row_to_paper(row: Mapping[str, object], columns: Mapping[str, str]) -> Paper:
    """Return the paper of ``row``. Raises ValueError when it has no title or no abstract."""

    def cell(field: str) -> str:
        value = row.get(columns.get(field, ""))
        return "" if value is None else str(value)

    return make_paper(
        id=cell("id"),
        title=cell("title"),
        abstract=cell("abstract"),
        authors=_split_authors(row.get(columns.get("authors", ""))),
        venue=cell("venue"),
        year=cell("year"),
        url=cell("url"),
        doi=cell("doi"),
        arxiv=cell("arxiv") or cell("id"),
    )


def _split_authors(value: object) -> Iterable[str]:
    """Return the names in a cell: a list, or text with a sign between them that no name has.

    Names between commas stay together, as "King, Ada" could be one person or two, but for two that are both whole.
    """
    if isinstance(value, list | tuple):
        return [str(name) for name in value]
    names = re.split(r"[;|\n]| and ", str(value or ""))
    if len(names) == 1 and _TWO_NAMES.fullmatch(names[0]):
        return names[0].split(",")
    return [turn_name(name) if name.count(",") == 1 else name for name in names]
