"""The index on disk; the only folder that imports chromadb and tantivy.

``PaperIndex`` is all that most other modules use. Knows storage; knows nothing of models, questions or answers.
"""

from chatbot.index.health import Finding, Stats, measure, repair, verify
from chatbot.index.manifest import load_manifest
from chatbot.index.paper_index import PaperIndex, Writer
from chatbot.index.scope import Scope
from chatbot.index.snapshot import Head, open_snapshot, write_snapshot
from chatbot.index.vectors import Entry

__all__ = [
    "Entry",
    "Finding",
    "Head",
    "PaperIndex",
    "Scope",
    "Stats",
    "Writer",
    "load_manifest",
    "measure",
    "open_snapshot",
    "repair",
    "verify",
    "write_snapshot",
]
