"""The index on disk; the only folder that imports chromadb and tantivy.

``PaperIndex`` is all that other modules use. Knows storage; knows nothing of models, questions or answers.
"""

from chatbot.index.paper_index import PaperIndex, Writer
from chatbot.index.scope import Scope
from chatbot.index.vectors import Entry

__all__ = ["Entry", "PaperIndex", "Scope", "Writer"]
