"""The options that several commands share, and how JSON is printed for programs.

Knows names and help texts of options; knows nothing of what commands do with them.
"""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

IndexOption = Annotated[Path | None, typer.Option("--index", help="Folder of the index [.chatbot, or CHATBOT_INDEX].")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def print_json(value: Any) -> None:
    """Print ``value`` on a line of its own, at once."""
    print(json.dumps(value), flush=True)
