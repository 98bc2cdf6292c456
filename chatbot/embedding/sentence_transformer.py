"""Embed with any sentence-transformers model, from a folder or the hub: its own pooling, prompts and length.

Knows that library and the files of its models; knows nothing of papers or the index. Code that comes with a model
is never run.
"""

import hashlib
from collections.abc import Sequence
from functools import cached_property, partial
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from chatbot.embedding.devices import BatchSize
from chatbot.embedding.embedder import DEFAULT_MODEL, Vectors, list_texts
from chatbot.errors import EmbeddingError
from chatbot.records import Whole

TEXTS_ON_CPU, TEXTS_ON_GPU = 32, 256  # that are computed at once
_TEXT_FILES, _WEIGHTS, _OLD_WEIGHTS = ("*.json", "*.txt", "*.model"), "*.safetensors", "*.bin"
_OTHER_FORMATS = ("onnx/*", "openvino/*")
_INSTALL = "run: pip install 'paper-chatbot[sentence-transformers]'"


class SentenceTransformerEmbedder:
    """The model in the folder ``name``, or called ``name`` on the hub, in the precision its files ask for."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._model: Any = None
        self._batch: Any = None
        self._loading = Lock()

    @cached_property
    def identity(self) -> str:
        """Return the last part of the model's name with 12 hex digits of what its files contain."""
        named = Path(self._name).expanduser().resolve().name
        return f"{named}@{hash_model(self._folder)[:12]}"

    @cached_property
    def dimensions(self) -> int:
        """Return the length of each vector, found by embedding a word."""
        return len(self.embed_query("dimensions"))

    def embed_papers(self, passages: Sequence[Whole]) -> Vectors:
        """Return unit vectors of passages and their sentences, each read by itself with the prompt for documents.

        See Embedder: models with other pooling than the mean have no vectors of parts.
        """
        if not passages:
            return np.zeros((0, self.dimensions), np.float32)
        return self._encode("encode_document", list_texts(passages))

    def embed_query(self, text: str) -> Vectors:
        """Return the unit vector of ``text``, shape ``(dimensions,)``, made with the model's prompt for queries."""
        return self._encode("encode_query", text)

    def _encode(self, method: str, texts: str | list[str]) -> Vectors:
        self._load()
        encode = partial(getattr(self._model, method), texts, show_progress_bar=False, normalize_embeddings=True)
        return np.asarray(self._batch.fit(lambda size: encode(batch_size=size)), np.float32)

    @cached_property
    def _folder(self) -> Path:
        return find_folder(self._name)

    def _load(self) -> None:
        with self._loading:
            if self._model is None:
                model = _load_model(self._folder)
                self._batch = BatchSize(model.device.type, TEXTS_ON_CPU, TEXTS_ON_GPU)
                self._model = model


def find_folder(name: str) -> Path:
    """Return the folder ``name``, or the local copy of the hub's model of that name, fetched when it is not there.

    A name without an owner is one of sentence-transformers' own. Raises EmbeddingError when neither is to be had.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    from huggingface_hub import snapshot_download

    full_name = name if "/" in name else f"sentence-transformers/{name}"
    try:
        found = Path(snapshot_download(full_name, allow_patterns=[*_TEXT_FILES, _WEIGHTS]))
        if not any(found.rglob(_WEIGHTS)):
            snapshot_download(full_name, allow_patterns=[_OLD_WEIGHTS], ignore_patterns=list(_OTHER_FORMATS))
    except Exception as error:
        raise EmbeddingError(
            f"the embedding model '{name}' is no folder here and {full_name} could not be fetched from the hub "
            f"({type(error).__name__}); check CHATBOT_EMBEDDING (or --embedding), or use {DEFAULT_MODEL}"
        ) from error
    return found


def hash_model(folder: Path) -> str:
    """Return the SHA-256 of all that decides a model's vectors: settings, vocabulary and weights, with their places.

    Raises EmbeddingError when a file cannot be read, or there are no weights.
    """
    weights = sorted(folder.rglob(_WEIGHTS)) or sorted(folder.rglob(_OLD_WEIGHTS))
    if not weights:
        raise EmbeddingError(f"{folder} holds no model (no {_WEIGHTS} or {_OLD_WEIGHTS}); choose another folder")
    files = sorted({path for pattern in _TEXT_FILES for path in folder.rglob(pattern)} | set(weights))
    total = hashlib.sha256()
    try:
        for path in files:
            place = path.relative_to(folder)
            if not any(part.startswith(".") for part in place.parts):
                with path.open("rb") as file:
                    total.update(f"{place.as_posix()}\n{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    except OSError as error:
        raise EmbeddingError(f"{error.filename} cannot be read ({error.strerror}); choose another folder") from error
    return total.hexdigest()


def _load_model(folder: Path) -> Any:
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise EmbeddingError(f"other embedding models need sentence-transformers; {_INSTALL}") from error
    from transformers.utils import logging

    logging.disable_progress_bar()  # a bar for reading the weights, in the middle of this program's output
    try:
        return SentenceTransformer(str(folder), local_files_only=True)
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise EmbeddingError(f"{folder} cannot be loaded as a sentence-transformers model: {reason}") from error
