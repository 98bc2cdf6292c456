"""The small file that says what an index is: format, embedding model, generation, and whether someone is writing.

Knows one JSON file; knows nothing of what the index contains. ``generation`` grows with every finished write,
so that readers notice; ``writing`` outlives a crash, so that the next to open heals.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from chatbot.errors import IndexBroken, IndexMismatch, IndexMissing

FORMAT = 3
_FILE = "manifest.json"


@dataclass(slots=True)
class Manifest:
    """``fingerprint`` is 12 hex digits over the papers' ids and contents; ``store`` is the folder with the data."""

    embedding: str
    format: int = FORMAT
    generation: int = 0
    writing: bool = False
    papers: int = 0
    passages: int = 0
    fingerprint: str = ""
    store: str = "store-0"

    def save(self, folder: Path) -> None:
        """Write the file so that a crash leaves the old or the new one whole."""
        draft = folder / (_FILE + ".new")
        with draft.open("w") as file:
            json.dump(asdict(self), file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(folder / _FILE)


def load_manifest(folder: Path) -> Manifest:
    """Read the manifest of the index in ``folder``. Raises IndexMissing or IndexBroken."""
    try:
        return Manifest(**json.loads((folder / _FILE).read_text()))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise IndexMissing(f"there is no index in {folder}; run: chatbot ingest --index {folder}") from error
    except OSError as error:
        raise IndexBroken(f"{folder / _FILE} cannot be read ({error.strerror}); choose another with --index") from error
    except (ValueError, TypeError) as error:
        raise IndexBroken(f"{folder / _FILE} is damaged; run: chatbot ingest --index {folder} --rebuild") from error


def verify_manifest(manifest: Manifest, place: str, folder: Path, embedding: str) -> None:
    """Check that the index in ``place`` was made by this version with this embedding model. Raises IndexMismatch."""
    again = f"embed its papers again: chatbot ingest --index {folder} --rebuild"
    if manifest.format != FORMAT:
        raise IndexMismatch(
            f"the index in {place} was made by another version of this program (format {manifest.format}, this one "
            f"writes {FORMAT}); {again}"
        )
    if manifest.embedding != embedding:
        raise IndexMismatch(
            f"the index in {place} was made with the embedding model {manifest.embedding}, not {embedding}; name that "
            f"one with --embedding (or CHATBOT_EMBEDDING), or {again}"
        )
