"""LlamaIndex's VectorStoreIndex with its own vector store kept in a folder, as its starter tutorial shows it.

Knows LlamaIndex only. Titles stand in the text and not in the metadata, which would be embedded a second time.
"""

from typing import Any

from llama_index.core import Document, Settings, StorageContext, VectorStoreIndex, load_index_from_storage
from llama_index.core.query_engine import CitationQueryEngine
from llama_index.embeddings.huggingface import HuggingFaceEmbedding


class Store:
    """The index, read from the folder at first use."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.index: Any = None

    def open(self) -> Any:
        """Return the index that the folder holds."""
        if self.index is None:
            self.index = load_index_from_storage(StorageContext.from_defaults(persist_dir=self.folder))
        return self.index


def load(model: str, folder: str) -> Store:
    """Return what reads and writes the index in ``folder``, after the model has embedded a first text."""
    Settings.embed_model = HuggingFaceEmbedding(model_name=model)
    Settings.embed_model.get_query_embedding("first")
    return Store(folder)


def ingest(store: Store, papers: list[dict[str, str]]) -> None:
    """Embed the papers and keep them."""
    documents = [Document(text=paper["text"], doc_id=paper["id"]) for paper in papers]
    store.index = VectorStoreIndex.from_documents(documents)
    store.index.storage_context.persist(persist_dir=store.folder)


def search(store: Store, query: str, top_k: int) -> list[str]:
    """Return the ids of the nearest papers, best first."""
    found = store.open().as_retriever(similarity_top_k=top_k).retrieve(query)
    return [node.node.ref_doc_id for node in found]


def answer(store: Store, question: str) -> tuple[str, list[str]]:
    """Return an answer and the ids of the papers it cites."""
    response = CitationQueryEngine.from_args(store.open()).query(question)
    return str(response), [node.node.ref_doc_id for node in response.source_nodes]
