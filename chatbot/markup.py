"""Keep text from papers and models from becoming markup where it is shown.

Knows Markdown and HTML; knows nothing of where the text comes from.
"""

import re


def defuse_markdown(text: str) -> str:
    """Return ``text`` with nothing in it that Markdown would turn into a link, an image or HTML."""
    text = re.sub(r"<(?=[A-Za-z/!?])", "&lt;", text)
    return re.sub(r"\](?=[(\[])", "]\u200b", text).replace("![", "!\u200b[")
