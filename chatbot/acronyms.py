"""The words that an acronym stands for, found in papers that never use the acronym itself.

Knows letters and words; knows nothing of which papers use what.
"""

import re
from collections.abc import Iterable

from chatbot.questions import is_generic

LEAST_LETTERS, MOST_LETTERS = 3, 6  # with two, any text has some words in a row that begin so


def find_long_form(acronym: str, texts: Iterable[str]) -> str:
    """Return the first words in a row in ``texts`` whose initials are ``acronym``; empty when there are none.

    A small s at its end may be there or not; what is not all capitals is none.
    """
    letters = acronym.removesuffix("s")
    if not (letters.isalpha() and letters.isupper() and LEAST_LETTERS <= len(letters) <= MOST_LETTERS):
        return ""
    spelled = re.compile(rf"\b{'[ -]'.join(f'{letter}[a-z]+' for letter in letters)}\b", re.I)
    found = (match.group() for text in texts for match in spelled.finditer(text))
    return next((words for words in found if not any(map(is_generic, re.split("[ -]", words)))), "")
