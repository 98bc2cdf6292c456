"""A BEIR collection: a folder with corpus.jsonl, one object a line with _id, title and text.

Knows the names of the fields; knows nothing of queries and judgements, which belong to ``evals``.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from chatbot.records import Paper, Skipped
from chatbot.sources.jsonl import read_records, to_paper

NAME = "BEIR folder (corpus.jsonl)"
RANK = 2
_FIELDS = {"id": "_id", "title": "title", "abstract": "text"}


def recognises(path: Path, head: str) -> bool:
    """Tell whether the first record has BEIR's ``_id``."""
    return head.lstrip().startswith("{") and '"_id"' in head.split("\n", 1)[0]


def read(path: Path) -> Iterator[Paper | Skipped]:
    """Yield a Paper a line; one without a title, as some collections have, is called by its first words."""
    return read_records(path, partial(to_paper, fields=_FIELDS, needs_title=False))
