"""What the disk and other processes may do to an index: the write lock, and every failure told in one line.

Knows folders, locks and error codes; knows nothing of what the index contains.
"""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from chatbot.errors import ChatbotError, IndexBroken, IndexBusy
from chatbot.space import has_less

_LOCK = "write.lock"
_LITTLE_SPACE = 1_000_000  # bytes


def remove_path(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def write_lock(folder: Path) -> Iterator[None]:
    """Be the only writer of ``folder`` while the block runs. Raises IndexBusy when another process is."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / _LOCK, timeout=0):
            yield
    except Timeout as error:
        raise IndexBusy(f"another process is writing to {folder}; wait for it to finish and try again") from error


@contextmanager
def guard(folder: Path) -> Iterator[None]:
    """Turn what storage libraries raise into one line for the user."""
    try:
        yield
    except ChatbotError:
        raise
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # chromadb's Rust core raises PanicException, which is no Exception
        raise explain(folder, error) from error


def explain(folder: Path, error: BaseException) -> ChatbotError:
    """Return the error that says in one line what became of ``folder``."""
    if isinstance(error, ImportError):
        return IndexBroken(f"a library of the index is missing ({error}); install paper-chatbot again")
    text = f"{type(error).__name__}: {error}".lower()
    code = getattr(error, "errno", None)
    if code == errno.ENOSPC or "no space left" in text or "disk is full" in text or has_less(folder, _LITTLE_SPACE):
        return IndexBroken(f"the disk is full at {folder}; free some space and run the same command again")
    if code in (errno.EACCES, errno.EPERM, errno.EROFS) or "readonly" in text or "read-only" in text:
        return IndexBroken(f"{folder} cannot be written; make it writable or choose another with --index")
    if code in (errno.ENOTDIR, errno.EEXIST):
        return IndexBroken(f"{folder} is not a folder; choose another with --index")
    return damaged(folder, " ".join(str(error).split())[:120] or type(error).__name__)


def damaged(folder: Path, reason: str) -> IndexBroken:
    """Return the error for an index that cannot be read any more."""
    return IndexBroken(
        f"the index in {folder} is damaged ({reason}); run: chatbot ingest --index {folder} --rebuild "
        f"(if that fails too, move {folder} away and ingest again)"
    )
