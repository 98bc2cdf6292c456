"""What every embedding model can do, and which kind of model a name stands for.

Knows the three kinds by name; knows nothing of how each embeds, and imports only the one that is asked for.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from chatbot.errors import EmbeddingError
from chatbot.records import Whole
from chatbot.settings import Settings

Vectors = npt.NDArray[np.float32]

DEFAULT_MODEL = "all-MiniLM-L6-v2"
SERVER_PREFIX = "openai:"


class Embedder(Protocol):
    """An embedding model. Loads at first use; whatever needs it loaded raises EmbeddingError when it cannot be."""

    @property
    def identity(self) -> str:
        """Return a name that differs whenever vectors would not be comparable; an index keeps it."""

    @property
    def dimensions(self) -> int:
        """Return the length of each vector."""

    def embed_papers(self, passages: Sequence[Whole]) -> Vectors:
        """Return unit vectors, shape ``(passages and sentences, dimensions)``: each passage's, then its sentences'."""

    def embed_query(self, text: str) -> Vectors:
        """Return the unit vector of a query, shape ``(dimensions,)``, comparable with those of papers."""


def list_texts(passages: Sequence[Whole]) -> list[str]:
    """Return the text of each passage and then those of its sentences, for a model that reads each by itself."""
    return [text for whole, places in passages for text in (whole, *(whole[start:end] for start, end in places))]


def to_unit(vectors: Vectors) -> Vectors:
    """Return ``vectors``, of any shape, at length 1 along the last axis; those of zeros stay."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, np.float32(1e-12)), np.float32)


def load_embedder(settings: Settings) -> Embedder:
    """Return the embedder that ``settings.embedding`` names, not loaded yet.

    ``all-MiniLM-L6-v2`` is the bundled model, ``openai:MODEL`` a model on a server, and anything else a folder or a
    name on the hub in sentence-transformers' format. Raises EmbeddingError for a name that can be none of them.
    """
    name = settings.embedding.strip()
    if name == DEFAULT_MODEL:
        from chatbot.embedding.minilm import MiniLM

        return MiniLM()
    if name.startswith(SERVER_PREFIX):
        from chatbot.embedding.openai_server import OpenAIEmbedder

        return OpenAIEmbedder(name.removeprefix(SERVER_PREFIX), settings.openai_api_key, settings.openai_base_url)
    if not name:
        raise EmbeddingError(f"no embedding model is named; set CHATBOT_EMBEDDING={DEFAULT_MODEL}")
    from chatbot.embedding.sentence_transformer import SentenceTransformerEmbedder

    return SentenceTransformerEmbedder(name)
