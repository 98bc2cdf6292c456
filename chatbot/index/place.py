"""Where an index lies: in a folder as a whole, or with its vectors in a Chroma server.

Knows folders and how Chroma opens them; knows nothing of what the index contains. ``OnServer`` in ``server`` is the
other kind of place, loaded only where an address of a server is given.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from urllib.parse import urlsplit

from chatbot.errors import IndexBroken
from chatbot.index import disk
from chatbot.index.manifest import Manifest, load_manifest
from chatbot.index.vectors import VectorStore
from chatbot.settings import Settings

Keep = Callable[[], None]
_opening = Lock()  # Chroma looks up the client of a folder again while it makes it


@dataclass(frozen=True, slots=True)
class Server:
    """A Chroma server: its address, where on it the index is, and for how many seconds it may be away."""

    url: str = field(repr=False)  # it may hold a password
    name: str = "papers"
    token: str = field(default="", repr=False)
    patience: float = 15
    tenant: str = "default_tenant"
    database: str = "default_database"

    @property
    def headers(self) -> dict[str, str]:
        """Return what each request has to carry for a proxy, or Chroma's cloud, to let it through."""
        return {"Authorization": f"Bearer {self.token}", "X-Chroma-Token": self.token} if self.token else {}

    def __str__(self) -> str:
        """Return the address without what is secret in it."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}".rstrip("/")


def find_server(settings: Settings) -> Server | None:
    """Return the server that ``settings`` name; None when the whole index lies in its folder."""
    if not settings.chroma_url:
        return None
    token = settings.chroma_token.get_secret_value() if settings.chroma_token else ""
    where = settings.chroma_tenant, settings.chroma_database
    return Server(settings.chroma_url, settings.chroma_name, token, settings.chroma_patience, *where)


def find_place(folder: Path, server: Server | None = None) -> "Folder":
    """Return where the index lies that is asked for by a folder, and a server if it is not there as a whole."""
    if server is None:
        return Folder(folder)
    from chatbot.index.server import OnServer

    return OnServer(folder, server)


def forget_stores() -> None:
    """Make the next store of a folder read the disk anew: Chroma keeps one client a folder, with what it knew then."""
    from chromadb.api.shared_system_client import SharedSystemClient

    with _opening:
        SharedSystemClient.clear_system_cache()


def open_folder(folder: Path) -> VectorStore:
    """Open the vector store in ``folder``, which is made where there is none."""
    import chromadb
    from chromadb.config import Settings

    with _opening:
        client = chromadb.PersistentClient(str(folder), settings=Settings(anonymized_telemetry=False))
    return VectorStore(client)


class Folder:
    """An index that lies in ``folder`` as a whole."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __str__(self) -> str:
        """Return how messages call this place."""
        return str(self.folder)

    def guard(self) -> AbstractContextManager[None]:
        """Turn what storage libraries raise into one line for the user."""
        return disk.guard(self.folder)

    def damaged(self, reason: str) -> IndexBroken:
        """Return the error for an index that cannot be read any more."""
        return disk.damaged(self.folder, reason)

    def load(self) -> Manifest:
        """Read the manifest. Raises IndexMissing or IndexBroken."""
        return load_manifest(self.folder)

    def save(self, manifest: Manifest) -> None:
        """Write the manifest."""
        manifest.save(self.folder)

    @contextmanager
    def lock(self) -> Iterator[Keep]:
        """Be the only writer while the block runs, and yield what it calls now and then to stay so.

        Raises IndexBusy when another process is.
        """
        with disk.write_lock(self.folder):
            yield lambda: None

    def derived(self, store: str) -> Path:
        """Return the folder of what is derived from ``store`` on this machine."""
        return self.folder / store

    def open_vectors(self, store: str) -> VectorStore:
        """Open the vectors of ``store``."""
        return open_folder(self.folder / store / "chroma")

    def has_vectors(self, store: str) -> bool:
        """Tell whether there are vectors of ``store``."""
        return (self.folder / store / "chroma" / "chroma.sqlite3").exists()

    def recover(self, embedding: str) -> Manifest:
        """Read the manifest; of a damaged one return what is most likely: the newest store, but for a half one.

        Raises IndexMissing.
        """
        try:
            return self.load()
        except IndexBroken:
            numbers = (int(path.name.removeprefix("store-")) for path in self.folder.glob("store-*"))
            newest = max(numbers, key=lambda number: (self._is_told(f"store-{number}"), number), default=0)
            return Manifest(embedding, generation=newest, store=f"store-{newest}")

    def _is_told(self, store: str) -> bool:
        """Tell whether ``store`` says of which generation it is, as every finished write makes it do."""
        return (self.folder / store / "lexical" / "generation").exists()

    def make_store(self, generation: int, current: str = "") -> str:
        """Make an empty store for an index of ``generation``, and return its name.

        Where there is a ``current`` one, left-overs of others go.
        """
        for left_over in self.folder.glob("store-*") if current else ():
            if left_over.name != current:
                disk.remove_path(left_over)
        return f"store-{generation}"

    def drop_store(self, store: str) -> None:
        """Remove ``store`` with all that is derived from it."""
        forget_stores()
        disk.remove_path(self.folder / store)

    def sizes(self, store: str) -> dict[str, int]:
        """Return how many bytes each part of the index takes on this machine."""
        parts = {name: _size(self.folder / store / name) for name in ("chroma", "lexical")}
        return parts | {"rest": _size(self.folder) - sum(parts.values())}


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
