"""An index with its vectors in a Chroma server that several machines share; each derives the words in its own folder.

Knows Chroma's HTTP client, and what a server does to it: it restarts, is gone, or refuses. Beside the collections of a
store the server holds one whose metadata is the manifest, and the lease of whoever writes.
"""

import platform
import uuid
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
from chromadb.errors import ChromaError, NotFoundError
from tenacity import Retrying, retry_if_exception_type, wait_fixed

from chatbot.errors import ChatbotError, IndexAway, IndexBroken, IndexMissing
from chatbot.index import disk
from chatbot.index.lease import Lease
from chatbot.index.manifest import Manifest
from chatbot.index.place import Folder, Keep, Server
from chatbot.index.vectors import VectorStore

_SILENCE = httpx.Timeout(120, connect=5)  # seconds; Chroma's own client waits for ever
_AWAY = (502, 503, 504)  # what a proxy says of a server that restarts
_REFUSED = (401, 403)
_PAUSE = 0.3


class _Restarting(Exception):
    """A proxy says that the server is not there at the moment."""


class Session(httpx.Client):
    """Sends each request again while the server restarts: all that is asked of it may be asked twice."""

    def __init__(self, server: Server) -> None:
        transport = httpx.HTTPTransport()
        weakref.finalize(self, transport.close)  # an index is dropped, not closed
        super().__init__(timeout=_SILENCE, headers=server.headers, transport=transport)
        self._is_gone = False  # then nobody waits again
        self._tries = Retrying(
            retry=retry_if_exception_type((httpx.NetworkError, httpx.ConnectTimeout, httpx.ProtocolError, _Restarting)),
            stop=lambda state: self._is_gone or (state.seconds_since_start or 0) > server.patience,
            wait=wait_fixed(_PAUSE),
            reraise=True,
        )

    def request(self, *given: Any, **named: Any) -> httpx.Response:
        """Return the server's answer; raises IndexAway when it wants another token."""
        try:
            response = self._tries(self._ask, *given, **named)
        except BaseException:
            self._is_gone = True
            raise
        self._is_gone = False
        if response.status_code in _REFUSED:
            raise IndexAway(
                f"the Chroma server refuses (status {response.status_code}); give the token of the proxy before it "
                "in CHATBOT_CHROMA_TOKEN"
            )
        return response

    def _ask(self, *given: Any, **named: Any) -> httpx.Response:
        response = super().request(*given, **named)
        if response.status_code in _AWAY:
            raise _Restarting(f"status {response.status_code}")
        return response


def ask_version(server: Server) -> str:
    """Return the version of ``server``. Raises IndexAway when it does not answer as Chroma does."""
    with Session(server) as session, OnServer(Path(), server).guard():
        response = session.get(f"{server.url.rstrip('/')}/api/v2/version")
        try:
            return str(response.raise_for_status().json())
        except (httpx.HTTPStatusError, ValueError) as error:
            raise IndexAway(f"what answers at {server} is no Chroma server; correct CHATBOT_CHROMA_URL") from error


class OnServer(Folder):
    """An index with its vectors in ``server``, and what is derived from them in ``folder``."""

    def __init__(self, folder: Path, server: Server) -> None:
        super().__init__(folder)
        self._server = server

    def __str__(self) -> str:
        """Return how messages call this place."""
        return f"the Chroma server at {self._server}"

    @cached_property
    def _client(self) -> Any:
        import chromadb
        from chromadb.config import Settings

        ask_version(self._server)  # because Chroma's client, while it is made, waits for ever
        url = self._server.url
        settings = Settings(anonymized_telemetry=False, chroma_http_max_keepalive_connections=0)
        try:
            client: Any = chromadb.HttpClient(
                url,
                settings=settings,
                headers=self._server.headers,
                tenant=self._server.tenant,
                database=self._server.database,
            )
        except (ValueError, NotFoundError) as error:
            raise IndexAway(
                f"{self} cannot be used ({self._shorten(error)}); CHATBOT_CHROMA_TENANT and CHATBOT_CHROMA_DATABASE "
                "have to name what is there"
            ) from error
        session, api = Session(self._server), client._server
        session.headers.update(api._session.headers)
        api._session = session
        return client

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Turn what the server, the network and the disk do into one line for the user."""
        try:
            yield
        except ChatbotError:
            raise
        except (httpx.HTTPError, _Restarting) as error:
            raise IndexAway(
                f"{self} does not answer ({type(error).__name__}); start it again (chroma run), or name another in "
                "CHATBOT_CHROMA_URL; what was stored is kept"
            ) from error
        except NotFoundError as error:
            raise self._missing() from error
        except Exception as error:
            if isinstance(error, ChromaError) or type(error) is Exception:  # which is all that Chroma's client raises
                raise IndexAway(f"{self} failed ({self._shorten(error)}); look at its log and try again") from error
            raise disk.explain(self.folder, error) from error

    def _shorten(self, error: Exception) -> str:
        text = " ".join(str(error).split())[:120] or type(error).__name__
        return text.replace(self._server.token, "…") if self._server.token else text

    def _missing(self) -> IndexMissing:
        where = f"index “{self._server.name}” on {self}"
        return IndexMissing(f"there is no {where}; run: chatbot ingest --index {self.folder}")

    def damaged(self, reason: str) -> IndexBroken:
        """Return the error for an index that cannot be read any more."""
        return IndexBroken(
            f"the index on {self}, or what is derived from it in {self.folder}, is damaged ({reason}); "
            f"run: chatbot index repair --index {self.folder}"
        )

    def load(self) -> Manifest:
        """Read the manifest. Raises IndexMissing, IndexAway or IndexBroken."""
        with self.guard():
            stored = self._get(self._server.name).metadata
        try:
            return Manifest(**stored)
        except TypeError as error:
            raise IndexBroken(
                f"“{self._server.name}” on {self} is no index of this program; choose another with CHATBOT_CHROMA_NAME"
            ) from error

    def save(self, manifest: Manifest) -> None:
        """Write the manifest."""
        collection = self._client.get_or_create_collection(
            self._server.name, embedding_function=None, metadata=asdict(manifest)
        )
        collection.modify(metadata=asdict(manifest))  # one that was there keeps what it had

    def _get(self, name: str) -> Any:
        return self._client.get_collection(name, embedding_function=None)

    # -- stores ----------------------------------------------------------------------------------------------

    def _prefix(self, store: str = "store-") -> str:
        return f"{self._server.name}.{store}"

    def open_vectors(self, store: str) -> VectorStore:
        """Open the vectors of ``store``."""
        return VectorStore(self._client, f"{self._prefix(store)}.", make=False)

    def has_vectors(self, store: str) -> bool:
        """Tell whether there are vectors of ``store``."""
        try:
            self.open_vectors(store)
        except NotFoundError:
            return False
        return True

    def recover(self, embedding: str) -> Manifest:
        """Read the manifest, which a server does not write by halves. Raises IndexMissing, IndexAway or IndexBroken."""
        return self.load()

    def make_store(self, generation: int, current: str = "") -> str:
        """Make an empty store, and return its name, which no other store has or had."""
        for left_over in self._stores() if current else ():
            if left_over != current:
                self.drop_store(left_over)
        store = f"store-{uuid.uuid4().hex[:12]}"
        VectorStore(self._client, f"{self._prefix(store)}.")
        return store

    def drop_store(self, store: str) -> None:
        """Remove ``store`` with all that is derived from it here."""
        for name in ("passages", "sentences"):
            with suppress(NotFoundError):
                self._client.delete_collection(f"{self._prefix(store)}.{name}")
        disk.remove_path(self.folder / store)

    def _stores(self) -> list[str]:
        names = [each.name for each in self._client.list_collections() if each.name.startswith(self._prefix())]
        return list(dict.fromkeys(name.removeprefix(f"{self._server.name}.").rpartition(".")[0] for name in names))

    def sizes(self, store: str) -> dict[str, int]:
        """Return how many bytes each part of the index takes on this machine."""
        return {part: size for part, size in super().sizes(store).items() if part != "chroma"}

    # -- one writer ------------------------------------------------------------------------------------------

    @contextmanager
    def lock(self) -> Iterator[Keep]:
        """Be the only writer while the block runs, and yield what it calls now and then to stay so.

        Raises IndexBusy when another process, on whatever machine, is.
        """
        with disk.write_lock(self.folder):
            lease = Lease(self._client, f"{self._server.name}.writer", f"{platform.node()}:{self.folder.resolve()}")
            lease.take(str(self))
            try:
                yield lease.renew
            finally:
                lease.give_back()
