"""txtai's embeddings database with dense vectors, BM25 and content, and its RAG pipeline.

Knows txtai only.
"""

from pathlib import Path
from typing import Any

from txtai import RAG, Embeddings

MODEL = "Qwen/Qwen3-0.6B"
TEMPLATE = "Answer the question from this context, and cite it.\n\n{context}\n\nQuestion: {question}"


class Database:
    """The embeddings database, read from the folder at first use."""

    def __init__(self, model: str, folder: str) -> None:
        self.folder = folder
        self.embeddings = Embeddings(path=model, hybrid=True, content=True)
        self._read = False

    def open(self) -> Any:
        """Return the database with what the folder holds."""
        if not self._read and Path(self.folder).exists():
            # The model that is loaded already goes with it.
            self.embeddings.load(self.folder)
        self._read = True
        return self.embeddings


def load(model: str, folder: str) -> Database:
    """Return what reads and writes the index in ``folder``, after the model has embedded a first text."""
    database = Database(model, folder)
    database.embeddings.transform("first")
    return database


def ingest(database: Database, papers: list[dict[str, str]]) -> None:
    """Embed the papers and keep them."""
    database.embeddings.index((paper["id"], paper["text"], None) for paper in papers)
    database.embeddings.save(database.folder)


def search(database: Database, query: str, top_k: int) -> list[str]:
    """Return the ids of the nearest papers, best first."""
    return [found["id"] for found in database.open().search(query, top_k)]


def answer(database: Database, question: str) -> tuple[str, list[str]]:
    """Return an answer and the ids of the papers it cites."""
    rag = RAG(database.open(), MODEL, template=TEMPLATE, output="reference")
    found = rag(question)
    return found["answer"], [found["reference"]]
