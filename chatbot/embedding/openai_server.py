"""Embed with a model on a server that speaks OpenAI's protocol: OpenAI's own, or one of the user's.

Knows that protocol through langchain-openai; knows nothing of papers or the index. Texts leave this machine.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from pydantic import SecretStr

from chatbot.embedding.embedder import Vectors, list_texts, to_unit
from chatbot.errors import EmbeddingError
from chatbot.records import Whole
from chatbot.settings import OPENAI_URL

BATCH = 32  # texts a request; some servers take no more
CONNECT_SECONDS, ANSWER_SECONDS = 10, 60  # a server of one's own may have to load the model first
RETRIES = 2  # of a connection, or after 408, 409, 429 or 5xx, each after a longer pause
_INSTALL = "run: pip install 'paper-chatbot[openai]'"


class OpenAIEmbedder:
    """``model`` at ``base_url``. The key is only sent, and stands in no message."""

    def __init__(self, model: str, api_key: SecretStr | None, base_url: str | None) -> None:
        if not model:
            raise EmbeddingError("no model is named after 'openai:'; use for example openai:text-embedding-3-small")
        if not api_key and not base_url:
            raise EmbeddingError(
                f"the embedding model openai:{model} needs OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own"
            )
        self._model, self._url = model, base_url or OPENAI_URL
        address = urlsplit(self._url)
        self._shown = address._replace(netloc=address.netloc.rpartition("@")[2]).geturl()  # without a password in it
        self._key = api_key or SecretStr("no-key-needed")  # servers of one's own need no key, the client does
        self._client: Any = None
        self._loading = Lock()

    @cached_property
    def identity(self) -> str:
        """Return the model's name, the server's and the number of dimensions, which takes a call to the server."""
        return f"openai:{self._model}@{urlsplit(self._url).hostname}/{self.dimensions}"

    @cached_property
    def dimensions(self) -> int:
        """Return the length of each vector, found by embedding a word."""
        return len(self.embed_query("dimensions"))

    def embed_papers(self, passages: Sequence[Whole]) -> Vectors:
        """Return unit vectors of passages and their sentences, each text sent by itself; see Embedder."""
        return self._embed(list_texts(passages)) if passages else np.zeros((0, self.dimensions), np.float32)

    def embed_query(self, text: str) -> Vectors:
        """Return the unit vector of ``text``, shape ``(dimensions,)``: such servers tell no queries from papers."""
        vector: Vectors = self._embed([text])[0]
        return vector

    def _embed(self, texts: list[str]) -> Vectors:
        client = self._connect()
        rows = self._call(lambda: client.embed_documents(texts))
        try:
            vectors = np.asarray(rows, np.float32)
        except (TypeError, ValueError):
            vectors = np.zeros(0, np.float32)
        if vectors.ndim != 2 or len(vectors) != len(texts) or not np.isfinite(vectors).all():
            raise EmbeddingError(f"{self._shown} did not answer with one vector a text; {self._check_model()}")
        return to_unit(vectors)

    def _call(self, call: Callable[[], Any]) -> Any:
        import openai

        try:
            return call()
        except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
            raise EmbeddingError(f"{self._shown} refused the key; check OPENAI_API_KEY") from error
        except openai.APITimeoutError as error:
            raise EmbeddingError(
                f"{self._shown} did not answer in time; try again, or check OPENAI_BASE_URL"
            ) from error
        except openai.APIConnectionError as error:
            raise EmbeddingError(f"{self._shown} cannot be reached; check OPENAI_BASE_URL and the network") from error
        except openai.NotFoundError as error:
            raise EmbeddingError(f"{self._shown} has no such model; {self._check_model()}") from error
        except openai.RateLimitError as error:
            raise EmbeddingError(f"{self._shown} takes no more requests now (429); try again later") from error
        except openai.APIStatusError as error:
            reason = self._first_words(error.message)
            raise EmbeddingError(
                f"{self._shown} failed ({error.status_code}: {reason}); {self._check_model()}"
            ) from error
        except (AttributeError, KeyError, TypeError, ValueError, openai.OpenAIError) as error:
            raise EmbeddingError(f"{self._shown} did not answer with embeddings; {self._check_model()}") from error

    def _check_model(self) -> str:
        return f"check OPENAI_BASE_URL and the model's name, {self._model}"

    def _first_words(self, message: str) -> str:
        return " ".join(message.replace(self._key.get_secret_value(), "…").split())[:200]

    def _connect(self) -> Any:
        with self._loading:
            if self._client is None:
                self._client = self._make_client()
            return self._client

    def _make_client(self) -> Any:
        try:
            from langchain_openai import OpenAIEmbeddings
            from openai import Timeout
        except ImportError as error:
            raise EmbeddingError(f"openai: embedding models need langchain-openai; {_INSTALL}") from error
        return OpenAIEmbeddings(
            model=self._model,
            api_key=self._key,
            base_url=self._url,
            chunk_size=BATCH,
            max_retries=RETRIES,
            timeout=Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            check_embedding_ctx_length=False,  # or it fetches a tokenizer and sends numbers instead of text
            model_kwargs={"encoding_format": "float"},  # not every server knows base64
        )
