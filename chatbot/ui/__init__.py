"""The chat as a page in the browser.

Holds everything that knows Gradio and HTML; knows nothing of how answers are made.
"""

from chatbot.ui.answers import format_answer
from chatbot.ui.page import build_page, launch_options
from chatbot.ui.suggestions import suggest_questions

__all__ = ["build_page", "format_answer", "launch_options", "suggest_questions"]
