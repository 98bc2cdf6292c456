"""paper-qa's ``Docs`` with a local sentence-transformers model, texts added as they are, and a pickle to keep them.

Knows paper-qa only. Embedding is deferred, so that it embeds all texts together and not one by one.
"""

import asyncio
import pickle
from pathlib import Path
from typing import Any

from paperqa import Doc, Docs, Settings, Text
from paperqa.settings import ParsingSettings

KEPT = "docs.pkl"


class Library:
    """``Docs``, read from the folder at first use, with the model that embeds for it."""

    def __init__(self, model: str, folder: str) -> None:
        self.path = Path(folder) / KEPT
        self.settings = Settings(embedding=f"st-{model}", parsing=ParsingSettings(defer_embedding=True))
        self.embedding = self.settings.get_embedding_model()
        self.runner = asyncio.Runner()
        self._docs: Docs | None = None

    @property
    def docs(self) -> Docs:
        """Return what was kept."""
        if self._docs is None:
            self._docs = pickle.loads(self.path.read_bytes())  # noqa: S301
        return self._docs

    async def add(self, papers: list[dict[str, str]]) -> None:
        """Embed the papers and keep them."""
        self._docs = Docs()
        for paper in papers:
            doc = Doc(docname=paper["id"], dockey=paper["id"], citation=paper["title"])
            await self._docs.aadd_texts([Text(text=paper["text"], name=paper["id"], doc=doc)], doc, self.settings)
        await self._docs.retrieve_texts("first", 1, self.settings, self.embedding)  # embeds what was deferred
        # What is in the index is told by hashes that another process has not, so all would come in a second time there.
        self._docs.texts_index.clear()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_bytes(pickle.dumps(self._docs))


def load(model: str, folder: str) -> Library:
    """Return what reads and writes the index in ``folder``, after the model has embedded a first text."""
    library = Library(model, folder)
    library.runner.run(library.embedding.embed_document("first"))
    return library


def ingest(library: Library, papers: list[dict[str, str]]) -> None:
    """Embed the papers and keep them."""
    library.runner.run(library.add(papers))


def search(library: Library, query: str, top_k: int) -> list[str]:
    """Return the ids of the nearest papers, best first."""
    found = library.runner.run(library.docs.retrieve_texts(query, top_k, library.settings, library.embedding))
    return [str(text.doc.dockey) for text in found]


def answer(library: Library, question: str) -> tuple[str, list[str]]:
    """Return an answer and the ids of the papers it cites."""
    session: Any = library.runner.run(
        library.docs.aquery(question, library.settings, embedding_model=library.embedding)
    )
    used = [context for context in session.contexts if context.id in session.used_contexts]
    return session.answer, [str(context.text.doc.dockey) for context in used]
