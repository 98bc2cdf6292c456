"""LangChain as its tutorials on semantic search and RAG use it: a model, Chroma, a retriever, a chat model.

Knows LangChain only. An abstract is one Document, since it is shorter than what the tutorials split into.
"""

from typing import Any

from langchain.chat_models import init_chat_model
from langchain_chroma import Chroma
from langchain_core.documents import Document
from langchain_huggingface import HuggingFaceEmbeddings

BATCH = 5000  # Chroma takes no more than 5461 documents at once
PROMPT = "Answer the question from this context, and cite it.\n\n{context}\n\nQuestion: {question}"


def load(model: str, folder: str) -> Any:
    """Return what reads and writes the index in ``folder``, after the model has embedded a first text."""
    embeddings = HuggingFaceEmbeddings(model_name=model)
    embeddings.embed_query("first")
    return Chroma(collection_name="papers", embedding_function=embeddings, persist_directory=folder)


def ingest(store: Any, papers: list[dict[str, str]]) -> None:
    """Embed the papers and keep them."""
    documents = [Document(page_content=paper["text"], metadata={"id": paper["id"]}) for paper in papers]
    for start in range(0, len(documents), BATCH):
        store.add_documents(documents[start : start + BATCH])


def search(store: Any, query: str, top_k: int) -> list[str]:
    """Return the ids of the nearest papers, best first."""
    found = store.as_retriever(search_kwargs={"k": top_k}).invoke(query)
    return [document.metadata["id"] for document in found]


def answer(store: Any, question: str) -> tuple[str, list[str]]:
    """Return an answer and the ids of the papers it cites."""
    model = init_chat_model("gpt-4.1")
    found = store.as_retriever(search_kwargs={"k": 4}).invoke(question)
    context = "\n\n".join(document.page_content for document in found)
    text = model.invoke(PROMPT.format(context=context, question=question)).text
    return text, [document.metadata["id"] for document in found]
