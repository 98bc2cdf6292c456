"""All papers without their texts, quick to read as a whole: what filters and lists go through.

Knows one file in the folder of a store; knows nothing of filters. The file is derived from the vector store, and made
anew by the first to need it after a write.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from chatbot.records import Listed, Paper

_FILE = "catalogue.jsonl"


def load_catalogue(
    folder: Path, generation: int, papers: Iterable[tuple[Paper, Mapping[str, Any]]]
) -> tuple[Listed, ...]:
    """Return the papers of the index in its ``generation``, read from the file in ``folder``.

    When that is missing, damaged or of another generation, it is written from ``papers`` and what is stored of each.
    """
    with (
        suppress(OSError, ValueError, TypeError, KeyError, StopIteration),
        (folder / _FILE).open(encoding="utf-8") as file,
    ):
        begin = json.loads(next(file))
        listed = tuple(_read(file))
        if begin == {"generation": generation, "papers": len(listed)}:
            return listed
    listed = tuple(
        Listed(_without_text(paper), tuple(stored["sources"]), stored["passages"], stored["sentences"])
        for paper, stored in papers
    )
    draft = folder / f"{_FILE}.{os.getpid()}"
    with draft.open("w", encoding="utf-8") as file:
        file.write(json.dumps({"generation": generation, "papers": len(listed)}) + "\n")
        file.writelines(json.dumps(asdict(each)) + "\n" for each in listed)
    draft.replace(folder / _FILE)
    return listed


def _read(lines: Iterable[str]) -> Iterator[Listed]:
    for line in lines:
        fields = json.loads(line)
        paper = fields["paper"]
        yield Listed(
            Paper(**paper | {"authors": tuple(paper["authors"]), "pages": ()}),
            tuple(fields["sources"]),
            fields["passages"],
            fields["sentences"],
        )


def _without_text(paper: Paper) -> Paper:
    return Paper(**asdict(paper) | {"abstract": "", "body": "", "pages": (), "authors": paper.authors})
