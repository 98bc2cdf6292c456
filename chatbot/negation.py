"""Tell whether one text denies what another states, by what stands near the words that a negation is about.

Knows English negations and words to the same effect; what corresponds to a word in the other text, in whatever
wording, comes from word vectors that the caller compares. Knows nothing of papers or verdicts.
"""

import re
from collections.abc import Callable, Collection

Counterpart = Callable[[int, int], tuple[int, float]]

_WORD = re.compile(r"[A-Za-z][\w'’/-]*\w|[A-Za-z]")
_NEGATION = re.compile(
    r"\b(?:(?<!or )not(?! only| just| merely)(?!(?: \w+){0,3} until)"
    r"|no(?! (?:more|less|fewer|later|worse)\b)|never|none|nor"
    r"|neither|nobody|cannot|without|nothing(?! (?:more|but|other|else))|hardly|(?!need)\w+n['’]t)\b",
    re.I,
)
# Words that say "not" in another way; near the same thing they agree with a negation.
_NEGATIVE = re.compile(
    r"\b(?:fail|lack|avoid|eliminat|remov|omit|ignor|prevent|instead|rather|unable|insufficien|absen|free|zero"
    r"|independen|irrespective|regardless|difficult|drop|avert|replac|unlike|contrary|unavailab"
    r"|abandon|g[ia]ve[sn]? up|giving up|challeng"
    r"|unknown|unnecess|unrelia|unstabl|inaccura|indistinguish|prohibit|forbid|forbad|hinder|exclu|non|miss|hard"
    r"|obviat|dispens|spare|unchang|neglect|overlook|struggl|refus|im(?:poss|prac)|rare|seldom|scarce|bare|little"
    r"|in(?:capab|effic|adequat|feasib|variant|complet)|slow|poor|weak|implausib|open problem)\w*|-free\b"
    r"|\bke(?:ep|pt)\w*\b[^.]{0,60}\bfrom\b",
    re.I,
)
# Of those, the ones that need a word to the same effect in a claim about what they deny.
_DENYING = re.compile(
    r"\b(?:prohibit|independen|ignor|lack|fail|unable|avoid)\w*"
    r"|\b(?:instead of|rather than|zero|hard to|difficult to|little|eliminat\w+ the need)\b",
    re.I,
)
_PREFIX = re.compile(r"\b(?:non-?|un|in|im|ir|dis)(?=([a-z]{5}))", re.I)
_EMPTY = frozenset(
    """
    a an the be been being is are was were any to of in on at by for from have has had much very more most yet also
    always even longer only other its their his this that these those it they all every each either such so as well
    with under into over between among through than then when where whether if which who whose do does did need
    """.split()
)
_BEFORE, _AFTER = 6, 2  # words around the counterpart in which a negation may stand
_STEM = 5  # letters that say that two words are forms of one
_NEAR, _DROPPED = 0.45, 0.4  # cosine from which a word has a counterpart, in the source and in the claim


def negation_conflict(claim: str, source: str, in_source: Counterpart, in_claim: Counterpart) -> str:
    """Return what is wrong when one of the two denies what the other states, '' when nothing is.

    ``in_source`` tells where in ``source`` the word nearest to the one at a start and an end in ``claim`` begins,
    and their cosine; ``in_claim`` the same the other way round.
    """
    # A negative word that both have is about the same thing in both, and answers to no negation.
    shared = _negative_stems(claim) & _negative_stems(source)
    for denial in _NEGATION.finditer(claim):
        if not _is_met(_denied(claim, denial.end()), source, in_source, shared):
            return f"the passage does not say “{denial.group()}”"
    for denial in [*_NEGATION.finditer(source), *_DENYING.finditer(source)]:
        others = shared - {denial.group()[:_STEM].lower()}
        if _is_dropped(_denied(source, denial.end()), source, claim, in_claim, others):
            return f"the passage says “{denial.group()}”"
    for one, other, what in ((claim, source, "does not say"), (source, claim, "says")):
        for prefixed in _PREFIX.finditer(one):
            stem = prefixed[1].lower()
            if re.search(rf"\b{prefixed.group().rstrip('-')}-?{stem}", other, re.I):
                continue
            plain = re.compile(rf"\b{stem}", re.I)
            if not plain.search(one) and (found := plain.search(other)) and not _is_negative(other, found.start()):
                word = _WORD.match(one, prefixed.start())
                return f"the passage {what} “{word.group() if word else stem}”"
    return ""


def _denied(text: str, start: int) -> list[tuple[int, int]]:
    """Return where the first two words with content stand in the clause that begins at ``start``."""
    clause = re.split(r"[,;:.](?:\s|$)", text[start:], maxsplit=1)[0]
    words = [m for m in _WORD.finditer(clause) if m.group().lower() not in _EMPTY]
    return [(start + m.start(), start + m.end()) for m in words[:2]]


def _is_met(denied: list[tuple[int, int]], source: str, in_source: Counterpart, shared: Collection[str]) -> bool:
    """Tell whether ``source`` has a negative word near the counterpart of one of the words, anywhere without one."""
    places = [place for place, cosine in (in_source(*span) for span in denied) if cosine >= _NEAR]
    if not places:
        return bool(_NEGATION.search(source) or _NEGATIVE.search(source))
    return any(_is_negative(source, place, shared) for place in places)


def _is_dropped(
    denied: list[tuple[int, int]], source: str, claim: str, in_claim: Counterpart, shared: Collection[str]
) -> bool:
    """Tell whether ``claim`` has the counterparts of the words, and no negative word near any of them.

    What ``source`` also says without denying it may be what the claim is about.
    """
    places = []
    for number, (start, end) in enumerate(denied):
        place, cosine = in_claim(start, end)
        same = re.finditer(rf"\b{re.escape(source[start : start + _STEM])}", source, re.I)
        if number == 0 and any(not _is_negative(source, found.start()) for found in same):
            return False
        if cosine >= _DROPPED:
            places.append(place)
    return bool(places) and not any(_is_negative(claim, place, shared, _BEFORE) for place in places)


def _negative_stems(text: str) -> set[str]:
    return {found.group()[:_STEM].lower() for found in _NEGATIVE.finditer(text)}


def _is_negative(text: str, place: int, shared: Collection[str] = (), after: int = _AFTER) -> bool:
    """Tell whether a negation, or a word to the same effect that is not ``shared``, stands near ``place``.

    It has to be in the same sentence.
    """
    words = [match.span() for match in re.finditer(r"\S+", text)]
    at = next((index for index, (_, end) in enumerate(words) if place < end), len(words) - 1)
    first, last = words[max(at - _BEFORE, 0)][0], words[min(at + after, len(words) - 1)][1]
    before = re.split(r"\.\s", text[first:place])[-1]
    near = before + re.split(r"\.\s", text[place:last])[0]
    return bool(_NEGATION.search(near) or _negative_stems(near).difference(shared))
