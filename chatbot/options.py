"""The options that several commands share, how JSON is printed for programs, and how a line is read.

Knows names and help texts of options; knows nothing of what commands do with them.
"""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from chatbot.errors import InputError

IndexOption = Annotated[Path | None, typer.Option("--index", help="Folder of the index [.chatbot, or CHATBOT_INDEX].")]
EmbeddingOption = Annotated[
    str | None, typer.Option("--embedding", help="Embedding model (all-MiniLM-L6-v2, or CHATBOT_EMBEDDING).")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
ModelOption = Annotated[
    str | None, typer.Option("--model", help="auto, extractive, or provider:model [CHATBOT_MODEL, or auto].")
]
FilterOption = Annotated[
    str | None,
    typer.Option("--filter", help='Only papers that pass, as in "year>=2023 and (venue:icml or author:smith)".'),
]
PromptsOption = Annotated[Path | None, typer.Option("--prompts", help="Folder with prompts of your own.")]


def read_line(prompt: str = "") -> str:
    """Return the next line of standard input, "" at its end. Raises InputError when it is no text."""
    try:
        return input(prompt)
    except EOFError:
        return ""
    except UnicodeDecodeError as error:
        raise InputError(f"standard input is not {error.encoding.upper()}; convert it, or type it in") from error


def print_json(value: Any) -> None:
    """Print ``value`` on a line of its own, at once."""
    print(json.dumps(value), flush=True)
