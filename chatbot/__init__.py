"""Ask questions about research papers and check every answer against the words it cites.

``from chatbot import PaperChatbot`` is all that most programs need. Importing this package loads nothing heavy.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chatbot.pipeline import PaperChatbot
    from chatbot.settings import Settings

__version__ = "0.1.0"
__all__ = ["PaperChatbot", "Settings"]


def __getattr__(name: str) -> Any:
    if name == "PaperChatbot":
        from chatbot.pipeline import PaperChatbot

        return PaperChatbot
    if name == "Settings":
        from chatbot.settings import Settings

        return Settings
    raise AttributeError(f"module 'chatbot' has no attribute {name!r}")
