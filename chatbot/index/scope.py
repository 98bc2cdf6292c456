"""A part of the index that can be searched as if there were nothing else.

Knows the index and the papers of the part; knows nothing of why it is those.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from chatbot.index.packs import Vectors
from chatbot.records import Listed, Paper, Span

if TYPE_CHECKING:
    from chatbot.index.paper_index import PaperIndex

PAGE = 2000  # papers read at a time


class Condition(Protocol):
    """Tells which papers belong to a part; equal ones are told by ``__eq__`` and ``__hash__``."""

    def matches(self, paper: Paper, sources: Sequence[str]) -> bool:
        """Tell whether ``paper``, without its abstract, from ``sources``, belongs to the part."""

    def __hash__(self) -> int: ...


class Scope:
    """The papers ``listed`` of ``index``, as long as nothing is written to it. Any method may raise IndexBroken."""

    def __init__(self, index: "PaperIndex", listed: Sequence[Listed]) -> None:
        self._index = index
        self._ids = {each.paper.id for each in listed}
        self._passages = [f"{each.paper.id}#{n}" for each in listed for n in range(each.passages)]

    def __len__(self) -> int:
        """Return the number of papers."""
        return len(self._ids)

    def nearest_passages(self, vector: Vectors, limit: int) -> dict[str, float]:
        """Return cosines by paper id; see VectorStore."""
        return self._index.nearest_passages(vector, limit, self._passages)

    def abstract_vectors(self, paper_ids: Sequence[str]) -> dict[str, Vectors]:
        """Return vectors by paper id; see VectorStore."""
        return self._index.abstract_vectors(self._keep(paper_ids))

    def match_words(self, query: str, limit: int) -> tuple[dict[str, float], dict[str, float]]:
        """Return BM25 scores by paper id, for words and for pairs of words; see LexicalIndex."""
        return self._index.match_words(query, limit, self._ids)

    def document_frequency(self, text: str) -> dict[str, int]:
        """Return in how many of the papers each stemmed word of ``text`` occurs."""
        return self._index.document_frequency(text, self._ids)

    def papers(self, paper_ids: Sequence[str]) -> dict[str, Paper]:
        """Return papers by id; those that are not of this part are left out."""
        return self._index.papers(self._keep(paper_ids))

    def all_papers(self) -> Iterator[Paper]:
        """Yield every paper."""
        ids = sorted(self._ids)
        for start in range(0, len(ids), PAGE):
            yield from self._index.papers(ids[start : start + PAGE]).values()

    def spans(self, papers: Sequence[Paper], vector: Vectors | None = None) -> dict[str, list[Span]]:
        """Return the sentences of each paper, in order, with their vectors; see VectorStore."""
        return self._index.spans(papers, vector)

    def _keep(self, paper_ids: Sequence[str]) -> list[str]:
        return [key for key in paper_ids if key in self._ids]
