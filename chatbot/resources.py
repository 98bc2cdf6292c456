"""Find the files that ship with the program: seed papers and prompts.

Knows where a wheel and a checkout keep them; knows nothing of what is in them.
"""

from pathlib import Path

from chatbot.errors import ResourceError

_PACKAGE = Path(__file__).resolve().parent


def find_resource(folder: str, name: str) -> Path:
    """Return the path of ``folder/name``: inside the installed package first, then beside it in a checkout.

    Raises ResourceError when it is in neither place.
    """
    for root in (_PACKAGE, _PACKAGE.parent):
        if (path := root / folder / name).exists():
            return path
    raise ResourceError(f"{folder}/{name} is missing from this installation; install the package again")
