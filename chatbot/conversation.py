"""Make a follow-up stand by itself, without a language model.

Knows earlier questions and the papers their answers cited; knows nothing of retrieval or of how answers are
written. Words that point back (it, they, the second one) are replaced by the paper they point to; a question
that only leaves its subject out gets it appended. Where it may have a subject of its own, it is told as it was too
(``otherwise``), for whoever can look into the papers to decide.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from chatbot.comparison import Comparison
from chatbot.records import Paper, Question

ORDINALS = {
    "first": 0, "1st": 0, "former": 0, "second": 1, "2nd": 1, "third": 2, "3rd": 2, "fourth": 3, "4th": 3, "fifth": 4,
    "sixth": 5, "last": -1, "latter": -1,
}  # fmt: skip
_NOUN = r"(?:one|paper|method|approach|work|model|framework|algorithm|system|technique|article|study|abstract)"
_VERB = r"(?:do|does|did|is|was|use|uses|using|have|has|work|works|achieve)"
_NAMES = "|".join(ORDINALS)
_ORDINAL = re.compile(
    rf"\b(?:the |that )?(?P<which>{_NAMES})(?: of (?:them|these|those))?"
    rf"(?: {_NOUN}(?! (?:on|about|for|that|which|who|to|in|of)\b)| of the (?:two|papers))"
    rf"|\bthe (?P<alone>{_NAMES})(?=\W*$|[’']s|[:,]| {_VERB}\b)"
    rf"|(?:\b(?:paper|number|no\.) ?|#)(?P<number>[1-9])\b",
    re.I,
)
_POINTER = re.compile(
    rf"\b(?:this|that|the|these|those|same) (?:same )?{_NOUN}s?\b(?! (?:of|on|about|for|that|which|in|with|using"
    rf"|by|from)\b)"
    r"|\b(?:the|these|those) authors\b(?! of\b)|\bits\b|\btheirs?\b|\bit\b|\bthey\b|\bthem\b",
    re.I,
)
_PRONOUNS = {"it", "its", "they", "them", "their", "theirs"}
# Before "it" or "they": what is asked for is not what they stand for.
_ASKED_OF = re.compile(
    r"\W*(?:(?:and|but|so|on|in|for|at|with|to|from|by|of) )*(?:what|which|how|why|where|when)\b"
    r"(?:(?!\b(?:and|or|what|which|how|why|where|when)\b)[^,;:])*"
    r"\b(?:do|does|did|can|could|will|would|has|have|had|is|was|are|were) ",
    re.I,
)
_BARE_THIS = re.compile(
    r"\b(?:this|that|these|those)"
    r"(?=\W*$| (?:do|does|is|was|work|works|can|help|mean|happen|arise|compare|shown|tested|done|measured)\b)",
    re.I,
)
_SURE = r"(?:possible|true|really|known|clear|that|necessary|important|better to)"
_DUMMY_IT = re.compile(rf"\bit(?: is|'s|’s| was| would be)? {_SURE}\b|\bis it {_SURE}\b", re.I)
_NEW_TOPIC = re.compile(
    r"\b(?:(?:(?:different|another|new|other|unrelated|switching|changing(?: the)?)"
    r" (?:subject|topic|question|thing|matter)|something else|unrelated)"
    r"(?: now)?(?:\s*[:,.;!–-]|\?(?=\s*\w))|by the way\b)\W*(?:now\b)?\W*",
    re.I,
)
# What every paper has: a question about nothing else is about the paper talked of.
_ASPECT = re.compile(
    r"(?:data ?-?sets?|data|sets?|good|results?|performance|accuracy|baselines?|limit(?:s|ations?)|contributions?"
    r"|experiments?|evaluat\w+|metrics?|architectures?|training|trained|tested|novel\w*|conclusions?|problems?|motivation|tasks?"
    r"|benchmarks?|advantages?|drawbacks?|available|public|out|open|released?|details?|main|key|idea|findings?)",
    re.I,
)
# Of several papers told before.
_OF_THEM = re.compile(r"\bof (?:them|these|those)\b|(?<=\bwhich )ones?\b", re.I)
_OTHER = re.compile(rf"\b(?:the|that) other (?:{_NOUN}|two)\b|\bthe other\W*$", re.I)
_WHICH_IS = re.compile(
    r"\W*(?:and |so |but )*(?P<which>which(?= (?:is|has|have|was|does|do|need|use|get|work|run|learn|avoid"
    r"|perform|report"
    r"|handle|rely|cut|save)s?\b)|which ones?(?= [\w-]+s?\b))(?!.*\b(?:that|who)\b)",
    re.I,
)
_COMPARES = re.compile(r"\b(?:more|less|better|best|worse|fewer|most|\w{3,}er|\w{3,}est)\b", re.I)
_OF_NAMED = re.compile(r"\W*(?:and|what about|how about)(?: (?:of|for|in|with|by|about|on))? (?P<name>\S+)\W*$", re.I)
_ASKS_ANY = re.compile(r"\W*(?:any|some)(?:thing|body|one)\b", re.I)
_CALLED_PAPER = re.compile(rf"\bthe (?!same\b|other\b|{_NAMES}\b|two\b|three\b)(?:[\w-]+ ){{1,4}}{_NOUN}\b", re.I)
FEW_WORDS = 4  # of a question that says too little to be asked alone
MOST_LEFT_OUT = 6  # content words of one that may leave its subject out


@dataclass(frozen=True, slots=True)
class Turn:
    """An earlier question with the papers that its answer cited, in the order of citation, and the grid it showed."""

    question: str
    papers: tuple[Paper, ...]
    grid: Comparison | None = None


@dataclass(frozen=True, slots=True)
class Standalone:
    """A question that can be searched as it is; ``focus`` are the ids of the papers it was tied to.

    ``among`` are the papers that alone are asked about. ``otherwise`` is the question without what was put in, where it
    may be about another paper altogether.
    """

    text: str
    focus: tuple[str, ...] = ()
    unresolved: bool = False
    among: tuple[Paper, ...] = ()
    otherwise: str = ""


def make_standalone(question: Question, history: Sequence[Turn], names_other: bool) -> Standalone:
    """Return ``question`` with what it leaves to earlier turns put in.

    ``names_other`` tells that the question itself names an indexed paper. ``unresolved`` is set when it points
    at something that no earlier turn offers.
    """
    text = _strip_opening(question.text)
    papers = latest_told(history)
    if ordinal := _ORDINAL.search(text):
        if (paper := _pick(ordinal, _counted(history))) is not None:
            return _replace(text, ordinal, paper)
        return Standalone(text, unresolved=not papers and len(question.words) < FEW_WORDS)
    pointer = None if _DUMMY_IT.search(text) else _POINTER.search(text) or _BARE_THIS.search(text)
    if _NEW_TOPIC.search(question.text) or (pointer and _has_own_subject(question, text, pointer)):
        return Standalone(text)
    if found := _point_to_several(question, text, history, names_other):
        return found
    if names_other and not (papers and pointer and pointer.group().lower() in _PRONOUNS):
        return _carry_over(question, history) or Standalone(text)
    words = [question.text[start:end] for start, end in question.words]
    front = text[: pointer.start()] if pointer else ""
    before = [word for word in words if word in front and not _ASPECT.fullmatch(word)]
    if not papers:
        # "Which of these use graphs?" is asked of all that is indexed.
        alone = question.kind != "which" and len(words) < FEW_WORDS and not before
        return Standalone(text, unresolved=bool(pointer) and alone)
    if pointer:
        tied = _replace_pointer(text, pointer, papers)
        word = pointer.group().lower()
        points = word in _PRONOUNS or word.startswith(("this ", "these ", "those "))
        sure = points and (not before or _is_asked_of(front, pointer))
        return tied if sure or not words else replace(tied, otherwise=text)
    if all(map(_ASPECT.fullmatch, words)):
        return _append(text, papers)
    if question.kind == "which" or len(words) > MOST_LEFT_OUT or _ASKS_ANY.match(text):
        return Standalone(text)
    return replace(_append(text, papers), otherwise=text)


def latest_told(history: Sequence[Turn], least: int = 1) -> tuple[Paper, ...]:
    """Return the papers of the last turn that told of at least so many; none when there is no such turn."""
    return next((turn.papers for turn in reversed(history) if len(turn.papers) >= least), ())


def _ask_again(question: str, paper: Paper, name: str) -> str:
    """Return ``question`` of what is called ``name`` in place of ``paper``; empty when it does not name that."""
    return question.replace(paper.name, name) if paper.name in question else ""


def _counted(history: Sequence[Turn]) -> Sequence[Paper]:
    """Return the papers that "the second one" counts: those last told together, or else one after the other."""
    return latest_told(history, least=2) or last_told(history)


def _carry_over(question: Question, history: Sequence[Turn]) -> Standalone | None:
    """Return the question before with another name in it, where ``question`` is no more than "and of FRUGAL?"."""
    latest = history[-1].papers[:1] if history else ()
    found = _OF_NAMED.match(question.text)
    again = _ask_again(history[-1].question, latest[0], found["name"].rstrip("?.!")) if found and latest else ""
    return Standalone(again) if again else None


def _point_to_several(question: Question, text: str, history: Sequence[Turn], names_other: bool) -> Standalone | None:
    """Return what ``text`` asks of the papers that were last told together, None when it points to none of them."""
    papers, latest = latest_told(history, least=2), latest_told(history)
    if not papers:
        return None
    if other := _OTHER.search(text):
        told = papers if latest[0] in papers else last_told(history)
        rest = [paper for paper in told if paper.id != latest[0].id]
        if not rest:
            return None
        if not question.words and (again := _ask_again(history[-1].question, latest[0], rest[0].name)):
            return Standalone(again, (rest[0].id,))
        return _replace(text, other, rest[0])
    if question.kind == "which" and (them := _OF_THEM.search(text)):
        return Standalone(f"{text[: them.start()]}of these papers{text[them.end() :]}", among=papers)
    if latest[0] in papers and not names_other and (which := _WHICH_IS.match(text)):
        if len(papers) == 2 and _COMPARES.search(text):
            both = f"{papers[0].name} or {papers[1].name}"
            return Standalone(f"{text.rstrip(' ?.!')}, {both}?", tuple(paper.id for paper in papers))
        return Standalone(f"which of these papers{text[which.end('which') :]}", among=papers)
    return None


def last_told(turns: Sequence[Turn]) -> Sequence[Paper]:
    """Return the papers of the last turn that told of several, or those that the last turns told of one by one."""
    told = [turn.papers for turn in turns if turn.papers]
    if not told or len(told[-1]) > 1:
        return told[-1] if told else ()
    apart = list(takewhile(lambda papers: len(papers) == 1, reversed(told)))
    return list({papers[0].id: papers[0] for papers in reversed(apart)}.values())


def _strip_opening(text: str) -> str:
    """Drop "thanks.", "ok." and "different subject now:" from the front."""
    opened = re.sub(
        r"^\W*(?:(?:(?:thanks|thank you|ok(?:ay)?|and|but|so|then|nope|sorry|thx|cheers|hmm+|got it|all ?right|yes|yeah"
        r"|not (?:that|this) one|i meant?)\b(?![-/(]\w)"
        r"|(?:no|right|great|nice|cool|perfect|interesting)(?= ?[,.!:–]| i\b))"
        r"[\s,.!:–-]*)+(?=\S)",
        "",
        text,
        flags=re.I,
    )
    found = _NEW_TOPIC.match(opened)
    rest = opened[found.end() :] if found else opened
    return rest[:1].upper() + rest[1:] if 3 < len(rest) < len(text) else text


def _pick(found: re.Match[str], papers: Sequence[Paper]) -> Paper | None:
    word = (found["which"] or found["alone"] or "").lower()
    at = ORDINALS[word] if word else int(found["number"]) - 1
    return papers[at] if papers and -len(papers) <= at < len(papers) else None


def _has_own_subject(question: Question, text: str, pointer: re.Match[str]) -> bool:
    """Tell whether a name or enough content stands before the pointer for it to point inside the sentence itself."""
    before = text[: pointer.start()]
    if _CALLED_PAPER.search(before) or any(name in before for name in question.names):
        return True
    if _is_asked_of(before, pointer):
        return False
    if re.search(r"\w{3,} \w{3,}(?: ?[:,–—]| -) *(?:what|how|why|when|where|is|are|does|do|can)\b", before, re.I):
        return True  # as in "anchor sampling, what is it?"
    if re.search(r"(?<=\w )[A-Z]\w+", before):
        return True
    words = [word for word in (question.text[start:end] for start, end in question.words) if word in before]
    return len(words) >= 3 and sum(not _ASPECT.fullmatch(word) for word in words) >= 2


def _is_asked_of(front: str, pointer: re.Match[str]) -> bool:
    return pointer.group().lower() in {"it", "they"} and _ASKED_OF.fullmatch(front) is not None


def _replace(text: str, found: re.Match[str], paper: Paper) -> Standalone:
    return Standalone(text[: found.start()] + paper.name + text[found.end() :], (paper.id,))


def _replace_pointer(text: str, pointer: re.Match[str], papers: Sequence[Paper]) -> Standalone:
    word = pointer.group().lower()
    several = 1 < len(papers) <= 3 and bool(re.match(r"(?:them|th[eo]se)\b", word))
    meant = list(papers) if several else [papers[0]]
    name = " and ".join(paper.name for paper in meant)
    if word in {"its", "their", "theirs"}:
        name += "'s"
    text = text[: pointer.start()] + name + text[pointer.end() :]
    return Standalone(text[:1].upper() + text[1:], tuple(paper.id for paper in meant))


def _append(text: str, papers: Sequence[Paper]) -> Standalone:
    return Standalone(f"{text.rstrip(' ?.!')} ({papers[0].name})?", (papers[0].id,))
