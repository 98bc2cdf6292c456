"""Room on a disk and in memory: whether a disk is full, and memory given back that nobody uses.

Knows the system; knows nothing of what lies there.
"""

import ctypes
import shutil
from contextlib import suppress
from pathlib import Path


def has_less(folder: Path, least: int) -> bool:
    """Tell whether fewer than ``least`` bytes are free where ``folder`` lies; not where nobody can know."""
    try:
        return shutil.disk_usage(folder).free < least
    except OSError:
        return False


def trim_memory() -> None:
    """Give the system back what was freed between things still in use, where the C library can: glibc's.

    Vectors of ever other sizes leave gaps there, 150 MB over 3,000 papers.
    """
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
