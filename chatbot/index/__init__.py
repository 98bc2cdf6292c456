"""The index, on disk or with its vectors on a server; the only folder that imports chromadb and tantivy.

``PaperIndex`` is all that most other modules use. Knows storage; knows nothing of models, questions or answers.
"""

from chatbot.index.entry import Entry
from chatbot.index.health import Finding, Stats, measure, repair, verify
from chatbot.index.paper_index import PaperIndex
from chatbot.index.place import Server, find_place, find_server
from chatbot.index.scope import Scope
from chatbot.index.snapshot import Head, open_snapshot, write_snapshot
from chatbot.index.writer import Writer

__all__ = [
    "Entry",
    "Finding",
    "Head",
    "PaperIndex",
    "Scope",
    "Server",
    "Stats",
    "Writer",
    "find_place",
    "find_server",
    "measure",
    "open_snapshot",
    "repair",
    "verify",
    "write_snapshot",
]
