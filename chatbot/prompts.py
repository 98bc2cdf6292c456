"""Load the prompts that language models get, from Markdown files with a declared list of variables.

Knows the form of a prompt file; knows nothing of models, papers or answers. A prompt whose text and declaration
disagree is refused when it is loaded, not when it is used.
"""

import hashlib
import string
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chatbot.errors import PromptError
from chatbot.resources import find_resource

NAMES = ("answer", "compare", "condense", "grid", "judge", "revise", "summarize")
_FIELDS = {"purpose", "version", "variables"}


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt: ``text`` holds each of ``variables`` as ``{name}``."""

    name: str
    purpose: str
    version: str
    variables: frozenset[str]
    text: str

    def render(self, **values: str) -> str:
        """Return the text with ``values`` put in. Raises PromptError when one is missing or unknown.

        Values are put in as they are: braces in them mean nothing.
        """
        if set(values) != self.variables:
            wrong = ", ".join(sorted(set(values) ^ self.variables))
            raise PromptError(f"the prompt '{self.name}' takes {', '.join(sorted(self.variables))}; check {wrong}")
        return self.text.format(**values)


@dataclass(frozen=True, slots=True)
class Prompts:
    """All prompts by name, and 12 hex digits that change whenever one of them changes."""

    by_name: Mapping[str, Prompt]
    fingerprint: str

    def render(self, name: str, **values: str) -> str:
        """Return the prompt ``name`` with ``values`` put in."""
        return self.by_name[name].render(**values)


def load_prompts(folder: Path | None = None) -> Prompts:
    """Return the prompts; a file in ``folder`` takes the place of the one that ships with the program.

    Raises PromptError for a missing folder, a file of an unknown name, or one that cannot be used.
    """
    own: dict[str, Path] = {}
    if folder is not None:
        if not folder.is_dir():
            raise PromptError(f"{folder} is not a folder; --prompts takes a folder with files such as answer.md")
        own = {path.stem: path for path in sorted(folder.glob("*.md"))}
        if unknown := set(own) - set(NAMES):
            raise PromptError(f"{folder / min(unknown)}.md is no prompt of this program; it has {', '.join(NAMES)}")
    prompts = {name: parse_prompt(own.get(name) or find_resource("prompts", f"{name}.md")) for name in NAMES}
    digest = hashlib.sha256("\n".join(f"{name}\n{prompts[name].text}" for name in NAMES).encode())
    return Prompts(prompts, digest.hexdigest()[:12])


def parse_prompt(path: Path) -> Prompt:
    """Return the prompt in ``path``. Raises PromptError that names the file and what is wrong with it."""
    try:
        head, body = path.read_text(encoding="utf-8").removeprefix("---\n").split("\n---\n", 1)
        fields = {key.strip(): value.strip() for key, value in (line.split(":", 1) for line in head.split("\n"))}
        used = {name for _, name, _, _ in string.Formatter().parse(body) if name is not None}
    except (OSError, ValueError) as error:
        raise PromptError(f"{path} is not a prompt file (front matter between --- lines, then the text)") from error
    if set(fields) != _FIELDS:
        raise PromptError(f"{path} must declare {', '.join(sorted(_FIELDS))} in its front matter")
    declared = {name.strip() for name in fields["variables"].split(",") if name.strip()}
    if used - declared:
        raise PromptError(f"{path} uses {{{min(used - declared)}}} without declaring it in variables")
    if declared - used:
        raise PromptError(f"{path} declares {min(declared - used)} and does not use it")
    return Prompt(path.stem, fields["purpose"], fields["version"], frozenset(declared), body.strip())
