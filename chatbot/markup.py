"""Keep words from papers, people and models mere words: nothing in them turns into markup.

Knows Markdown, LaTeX and control characters; knows nothing of where a text comes from or where it is shown.
"""

import re

_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

# BibTeX counts braces even behind a backslash, so a brace in a text has to be written as a word.
_LATEX = str.maketrans(
    {"\\": r"\textbackslash{}", "{": r"\textbraceleft{}", "}": r"\textbraceright{}", "~": r"\textasciitilde{}"}
    | {"^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}"}
    | {sign: f"\\{sign}" for sign in "$&%#_"}
)


def defuse_markdown(text: str) -> str:
    """Return ``text`` with nothing in it that Markdown would turn into a link, an image, a code block or HTML.

    Emphasis and lists stay, so it can be used on a whole answer, and using it twice changes nothing.
    """
    text = re.sub(r"<(?=[A-Za-z/!?])", "&lt;", text)
    text = re.sub(r"(`|~)(?=\1\1)", "\\1\u200b", text)
    return re.sub(r"\](?=[(\[:])", "]\u200b", text).replace("![", "!\u200b[")


def escape_addresses(text: str) -> str:
    """Return ``text``, as Markdown, so that no bare address in it becomes a link: GitHub's and Gradio's make them."""
    return re.sub(r":(?=//)|(?<=[wW]{3})\.|@", r"\\\g<0>", text)


def escape_markdown(text: str) -> str:
    """Return ``text`` on one line, so that Markdown shows every character of it as it is.

    Addresses are no links either: GitHub's Markdown would show the backslashes in those it finds by itself.
    """
    text = re.sub(r"[\\`*_\[\]<>&#|~$@]|:(?=//)|(?<=[wW]{3})\.", r"\\\g<0>", flatten_text(text))
    return re.sub(r"^(\d*)([-+=.)])", r"\1\\\2", text)  # what opens a list or underlines a heading


def escape_latex(text: str) -> str:
    """Return ``text`` on one line, so that LaTeX obeys no command or formula in it."""
    return flatten_text(text).translate(_LATEX)


def flatten_text(text: str) -> str:
    """Return ``text`` on one line, without control characters and outer blanks."""
    return " ".join(_CONTROLS.sub(" ", text).split())


def clip_text(text: str, most: int) -> str:
    """Return ``text`` on one line of at most ``most`` characters; what was cut off leaves an ellipsis."""
    text = flatten_text(text)
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
