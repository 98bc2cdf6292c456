"""The words that an acronym stands for, found in papers that never use the acronym itself.

Knows letters and words; knows nothing of which papers use what.
"""

import re
from collections import Counter
from collections.abc import Iterable

from chatbot.questions import is_generic

LEAST_LETTERS, MOST_LETTERS = 2, 6
MANY_LETTERS, SHORTEST = 3, 4  # unless there are more letters, any text has some short words in a row that begin so


def find_long_form(acronym: str, texts: Iterable[str], least: int = 2) -> str:
    """Return the words in a row that stand in ``texts`` most often with the initials ``acronym``, in lower case.

    They have to stand there ``least`` times; else the result is empty. A small s at the end of ``acronym`` may be there
    or not; what is not all capitals is none.
    """
    letters = acronym.removesuffix("s")
    if not (letters.isalpha() and letters.isupper() and LEAST_LETTERS <= len(letters) <= MOST_LETTERS):
        return ""
    spelled = re.compile(rf"\b{'[ -]'.join(f'{letter}[a-z]+' for letter in letters)}\b", re.I)
    found = Counter(
        match.group().lower()
        for text in texts
        for match in spelled.finditer(text)
        if not any(map(is_generic, (words := re.split("[ -]", match.group()))[:1] + words[-1:]))
        and (len(letters) > MANY_LETTERS or min(map(len, words)) >= SHORTEST)
    )
    long_form, count = max(found.items(), key=lambda item: item[1], default=("", 0))
    return long_form if count >= least else ""
