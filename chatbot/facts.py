"""Find in a sentence what must not change when it is reworded: names, strong words and who is ahead of whom.

Knows English scientific prose; knows nothing of papers, models or verdicts. Each ``…_missing`` or ``…_conflict``
function compares a claim with the text it cites and returns what does not agree, in words for the reader.
"""

import re

_WORD = re.compile(r"[A-Za-z][\w'’/-]*\w|[A-Za-z]")
_FAR_BACK = 40  # characters, enough for what stands between the end of a sentence and the next word
_ADDRESS = re.compile(r"(?:https?://|www\.)[^\s<>\"'“”]+|[^\s<>()\"'“”]+@[\w-]+\.[\w.-]+", re.I)
_STRONG = {
    "always": "always|invariably|all|every|any", "never": "never|not|no", "every": "every|all|each|any|across",
    "all": "all|every|each|any|entire|whole|across|both|various|arbitrary",
    "any": "any|arbitrary|every|all|each|no|not|without",
    "only": "only|sole|just|merely|single|exclusive|alone|no other|no need|without|not|instead|rather|unless|once",
    "first": "first|novel|new|initial|previously|unexplored|earliest|before|start|begin",
    "guarantee": "guarantee|prove|proof|ensure|theor",
    "guaranteed": "guarantee|prove|proof|ensure|theor",
    "guarantees": "guarantee|prove|proof|ensure|theor",
    "proves": "prove|proof|theor|guarantee|establish|show|demonstrat|lemma",
    "entirely": "entire|complete|full|whole|all|without|no|free",
    "completely": "entire|complete|full|whole|all|without|no|free",
    "perfectly": "perfect|exact|lossless", "universally": "universal|all|any",
    "impossible": "impossib|cannot|unable|infeasib|not", "best": "best|optimal|state-of-the-art|highest|top|outperform",
    "largest": "largest|biggest|most",
}  # fmt: skip
_COMPARISON = re.compile(
    r"\b(?:outperform\w*|surpass\w*|beats?|better than|worse than|superior\w*|exceed\w*|faster than|slower than"
    r"|more \w+ than|less \w+ than|fewer \w+ than|higher \w*\s?than|lower \w*\s?than|(?:larger|smaller) than"
    r"|improv\w* (?:on|over|upon)|advantage over|ahead of|dominat\w*)\b",
    re.I,
)
_AHEAD = re.compile(
    r"\b(?:(?:outperformed|surpassed|beaten|exceeded) by|outperform\w*|surpass\w*|beats?"
    r"|exceed\w*|(?:better|faster|superior|more \w+) (?:than|to)|advantage over|ahead of)\b",
    re.I,
)
_COMPARES = re.compile(
    r"\b(?:outperform|surpass|beat|better|worse|superior|exceed|faster|slower|higher|lower|than|compar|improv"
    r"|advantage|state-of-the-art|best|match|competitive|compet|ahead|times|\d+x|speed|gain|reduc|excel|more|less"
    r"|fewer|baseline|against|over|versus|vs)",
    re.I,
)


def find_names(text: str) -> list[str]:
    """Return the names of ``text``: coined words, acronyms, and words with a capital that do not open a sentence."""
    names = []
    for match in re.finditer(r"[^\W_][\w/+-]*(?:\.\d+)?", text):
        word = match.group().rstrip("-/+.")
        before = text[max(match.start() - _FAR_BACK, 0) : match.start()]
        opens = not before.strip("\"'“‘([ ") or bool(re.search(r"[.:!?]\W*$", before))
        coined = bool(re.search(r"[a-z0-9][A-Z]|[A-Z]{2}|[A-Z]\d|[A-Za-z]-?\d|-[A-Z]", word))
        if coined or (word[0].isupper() and len(word) > 1 and not opens):
            names.append(word)
    return list(dict.fromkeys(names))


def addresses_missing(claim: str, source: str) -> list[str]:
    """Return the web and mail addresses in ``claim`` that ``source`` does not have whole.

    One that a model made up may carry what was asked to a stranger.
    """
    source = re.sub(r":\s+//", "://", source)
    found = (match[0].rstrip(".,;:!?)]}*_") for match in _ADDRESS.finditer(claim))
    return [address for address in dict.fromkeys(found) if not _stands_in(address, source)]


def _stands_in(address: str, source: str) -> bool:
    return bool(re.search(rf"(?<![\w/.-]){re.escape(address)}(?!/?[\w?#&=%-])", source, re.I))


def names_missing(claim: str, source: str) -> list[str]:
    """Return the names in ``claim`` that ``source`` has neither written out nor as initials."""
    known = _joined_words(source)
    short = {_squeeze(name) for name in find_names(source)}
    return [
        name
        for name in find_names(claim)
        if not _is_known(name, known) and not _has_initials(name, source) and not _spells_out(claim, name, short)
    ]


def _joined_words(text: str) -> set[str]:
    """Return the words of ``text``, and runs of two and three of them written as one: "pre training", "pretraining"."""
    words = [_squeeze(word) for word in re.findall(r"[^\W_]+", text)]
    return {"".join(words[at : at + size]) for size in (1, 2, 3) for at in range(len(words) - size + 1)}


def _is_known(name: str, known: set[str]) -> bool:
    key = _squeeze(name)
    if key in known or key.removesuffix("s") in known or f"{key}s" in known:
        return True
    if name[1:].islower() and any(word.startswith(key[: max(6, len(key) - 3)]) for word in known if len(key) > 4):
        return True
    parts = [part for part in re.split(r"[-/+]", name) if part]
    return len(parts) > 1 and all(_is_known(part, known) for part in parts)


def _has_initials(name: str, source: str) -> bool:
    """Tell whether ``name`` is an acronym of three letters or more for neighbouring words of ``source``."""
    letters = re.sub(r"[^A-Z]", "", name).lower()
    words = [word.lower() for word in re.findall(r"[A-Za-z]+", source) if len(word) > 2]
    return len(letters) >= 3 and letters in "".join(word[0] for word in words)


def _spells_out(claim: str, name: str, short: set[str]) -> bool:
    """Tell whether ``name`` is part of the spelled-out form of an acronym that the source uses."""
    words = re.findall(r"[A-Za-z]+", claim)
    for size in range(2, 6):
        for at in range(len(words) - size + 1):
            run = words[at : at + size]
            if name in run and "".join(word[0] for word in run).lower() in short:
                return True
    return False


def _squeeze(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def strong_words_missing(claim: str, source: str) -> list[str]:
    """Return words that claim more than ``source`` does: always, every, first, only, guaranteed and the like."""
    lower = source.lower()
    return [
        word.lower()
        for word in dict.fromkeys(_WORD.findall(claim))
        if (as_strong := _STRONG.get(word.lower())) and not re.search(rf"\b(?:{as_strong})", lower)
    ]


def comparison_conflict(claim: str, source: str) -> str:
    """Return what is wrong with a claim that one thing beats another, '' when nothing is.

    The source must compare too, and where both name the same two things, the same one must be ahead.
    """
    if not _COMPARISON.search(claim):
        return ""
    if not _COMPARES.search(source):
        return "the cited passage compares nothing"
    if (ahead := _winner(claim)) and _winner(source) == ahead[::-1]:
        return f"the passage puts {ahead[1]} ahead of {ahead[0]}"
    return ""


def _winner(text: str) -> tuple[str, str] | None:
    """Return the names before and after "outperforms" or its like, the winner first; None when it is unclear."""
    if not (verb := _AHEAD.search(text)):
        return None
    before, after = find_names(text[: verb.start()]), find_names(f"x {text[verb.end() :]}")
    if not before or not after:
        first = re.match(r"\W*([A-Z]\w+)", text)
        before = [first[1]] if first and not before else before
    if not before or not after or before[0] == after[0]:
        return None
    pair = (before[0], after[0])
    return pair[::-1] if verb.group().lower().endswith(" by") else pair
