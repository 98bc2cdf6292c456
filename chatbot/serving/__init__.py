"""The page as a service: who may come in, how often they may ask, what is logged, and how it ends.

Holds everything that knows accounts, limits and the server; knows nothing of what the page shows.
"""

from chatbot.serving.accounts import Accounts
from chatbot.serving.app import serve_page

__all__ = ["Accounts", "serve_page"]
