"""Keep the papers of an index in order: look through them, keep what is added by hand, remove and bring back.

Joins the index, the language of filters and the ingest; knows nothing of screens, questions or answers.
"""

import re
import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from chatbot.embedding import Embedder
from chatbot.errors import InputError
from chatbot.filters import Filter
from chatbot.index import PaperIndex
from chatbot.ingest import Removed, remove_papers, restore_papers
from chatbot.records import Listed, Paper

MOST_BYTES = 50_000_000  # of a file that is added by hand
_NAME_CHARS = 60


class Library:
    """The papers of the index that ``open_index`` returns; files added by hand are kept in ``folder``.

    Every method may raise IndexMissing or IndexBroken, those that change something IndexBusy.
    """

    def __init__(self, open_index: Callable[[], PaperIndex], embedder: Embedder, folder: Path) -> None:
        self._open_index, self._embedder, self._folder = open_index, embedder, folder

    def list(self, filter: Filter | None = None) -> Sequence[Listed]:
        """Return the papers that pass ``filter``, without their abstracts."""
        index = self._open_index()
        index.refresh()
        return [each for each in index.listed() if not filter or filter.matches(each.paper, each.sources)]

    def find(self, ids: Sequence[str]) -> Sequence[Paper]:
        """Return the papers with ``ids``. Raises InputError when one is not indexed."""
        index = self._open_index()
        index.refresh()
        found = index.papers(ids)
        if missing := [key for key in ids if key not in found]:
            raise InputError(f"no paper has the id “{missing[0]}”; those that are there: chatbot papers")
        return list(found.values())

    def remove(self, ids: Sequence[str]) -> Removed:
        """Remove papers, and return what ``restore`` needs. Raises InputError when one is not indexed.

        Nothing keeps them away: ingesting a source that has them brings them back.
        """
        self.find(ids)
        return remove_papers(self._open_index(), ids)

    def restore(self, removed: Removed) -> None:
        """Bring removed papers back as they were, but for those that an ingest has brought back since."""
        index = self._open_index()
        index.refresh()
        there = index.papers([paper.id for paper, _ in removed])
        restore_papers(index, self._embedder, [each for each in removed if each[0].id not in there])

    def keep(self, name: str, content: bytes) -> Path:
        """Write ``content`` to a new file whose name ends with ``name``, made harmless, and return its path.

        It lies below the folder of the index, to be ingested like any other source. Raises InputError when it is
        empty or too large.
        """
        if not content.strip():
            raise InputError("there is nothing in it; give a page, BibTeX or a file with papers")
        if len(content) > MOST_BYTES:
            raise InputError(f"more than {MOST_BYTES // 1_000_000} MB; add it with: chatbot ingest FILE")
        day = datetime.now(UTC).strftime("%Y-%m-%d")
        path = self._folder / f"{day}-{secrets.token_hex(4)}-{_make_harmless(name)}"
        with self._open_index().place.guard():
            self._folder.mkdir(parents=True, exist_ok=True)
            try:
                path.write_bytes(content)
            except OSError:
                path.unlink(missing_ok=True)
                raise
        return path


def _make_harmless(name: str) -> str:
    """Return the last part of ``name`` with nothing in it but letters, digits, dashes and inner dots."""
    return re.sub(r"[^\w.-]+|\.{2,}", "-", Path(name.replace("\\", "/")).name)[-_NAME_CHARS:].lstrip(".-") or "papers"
