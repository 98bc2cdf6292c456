"""Tell whether a disk is full, which libraries that write to one say in many ways, or not at all.

Knows disks; knows nothing of what lies on them.
"""

import shutil
from pathlib import Path


def has_less(folder: Path, least: int) -> bool:
    """Tell whether fewer than ``least`` bytes are free where ``folder`` lies; not where nobody can know."""
    try:
        return shutil.disk_usage(folder).free < least
    except OSError:
        return False
