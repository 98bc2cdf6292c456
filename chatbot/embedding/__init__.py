"""Texts → vectors, by one of three kinds of model; the only folder that runs or calls embedding models.

``load_embedder``, ``open_engine`` and ``load_words`` are what other modules use. Knows models; knows nothing of papers
or the index.
"""

from chatbot.embedding.embedder import Embedder, Vectors, list_texts, load_embedder
from chatbot.embedding.engine import Engine, open_engine
from chatbot.embedding.words import WordModel, load_words

__all__ = [
    "Embedder",
    "Engine",
    "Vectors",
    "WordModel",
    "list_texts",
    "load_embedder",
    "load_words",
    "open_engine",
]
