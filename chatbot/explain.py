"""Tell how an answer came to rest on its papers: what became of each paper found, and why another is not cited.

Knows the JSON form of an answer, and what reading its question once more shows; knows nothing of storage or screens.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chatbot.answers import EXTRACTIVE
from chatbot.questions import read_question
from chatbot.reader import Reader, count_read
from chatbot.records import Match, Paper, Ranks
from chatbot.retrieval import CANDIDATES

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """A paper that was found for a question, with its ranks and what became of it in the answer."""

    rank: int
    paper_id: str
    title: str
    ranks: Ranks
    fate: str


def trace(record: Record) -> Iterator[Step]:
    """Yield what became of each paper found for the answer whose JSON form is ``record``, in the order of reading.

    For the rows of a grid nothing is searched, so there is nothing to tell.
    """
    if record.get("comparison"):
        return
    read = count_read(read_question(record["standalone_question"]))
    for hit in record["retrieved"]:
        ranks = Ranks(hit.get("dense"), hit.get("lexical"), hit.get("fused"))
        yield Step(hit["rank"], hit["paper_id"], hit["title"], ranks, _tell_fate(record, hit, read))


def _tell_fate(record: Record, hit: Record, read: int) -> str:
    if numbers := _numbers(record, hit["paper_id"]):
        return f"cited {numbers}"
    if hit["rank"] > read:
        return f"not read: only the first {read} are"
    if hit["paper_id"] in record.get("cut", ()):
        return "not shown to the model: the prompt was full"
    if record["status"] == "abstained":
        return "read, does not answer"
    if record["model"] != EXTRACTIVE:
        return "shown to the model, not cited"
    return "read, others fit better"


def tell_absence(reader: Reader, record: Record, name: str, found: Sequence[Paper], top_k: int) -> str:
    """Return in a sentence why the answer whose JSON form is ``record`` does not cite the paper called ``name``.

    ``found`` are the papers of that name; ``top_k`` is how many papers a model is shown. May raise IndexBroken.
    """
    if not found:
        return f"No indexed paper is called “{name}”."
    if len(found) > 1:
        return f"“{name}” could be any of these; say which: {'; '.join(paper.title for paper in found)}."
    title, key = f"“{found[0].title}”", found[0].id
    if numbers := _numbers(record, key):
        return f"{title} is cited: {numbers}."
    if record.get("comparison"):
        return f"{title} is not in this answer because a grid has only the papers asked for; add it by its name."
    if record.get("filter") and not reader.papers([key]):
        return f"{title} is not among the papers that the question was limited to."
    if not record["retrieved"]:
        return f"{title} is not cited because the question names no paper and no subject, so nothing was searched for."
    _, hits, matches = reader.read(record["standalone_question"], CANDIDATES)
    hit = next((hit for hit in hits if hit.paper.id == key), None)
    if hit is None:
        return f"{title} was never a candidate: {len(hits)} papers are nearer to the question in words and meaning."
    place = next((at for at, match in enumerate(matches, 1) if match.hit.paper.id == key), None)
    if place is None:
        came = f"came in at {hit.ranks.fused} of {len(hits)} candidates ({_tell_ranks(hit.ranks)})"
        return f"{title} {came}, and only the first {len(matches)} are read."
    came = f"{title} was read and came in at {place} of {len(matches)}"
    return f"{came}, but {_tell_loss(record, matches, place, top_k)}."


def _tell_loss(record: Record, matches: Sequence[Match], place: int, top_k: int) -> str:
    """Return why the match at ``place``, from 1, is not cited though its paper was read."""
    own = matches[place - 1]
    if record["model"] != EXTRACTIVE:
        if own.hit.paper.id in record["cut"]:
            return "the prompt was full before it"
        if place > top_k:
            return f"the model is shown only the first {top_k}"
        return f"no sentence that {record['model']} wrote from it passed the check, if it wrote any"
    if record["status"] == "abstained":
        return f"the papers answer too little of the question for any to be cited (confidence {record['confidence']})"
    cited = [match for match in matches if _numbers(record, match.hit.paper.id)]
    if not cited:
        return "the answer stands as it was given, and the papers that it cites are no longer the nearest"
    last = cited[-1]
    title = f"“{last.hit.paper.title}”"
    if last.named and not own.named:
        return f"the question names {title}"
    if own.best < last.best:
        return f"its best passage covers {own.best:.0%} of the question, that of {title} {last.best:.0%}"
    if own.coverage < last.coverage:
        return (
            f"all its passages together cover {own.coverage:.0%} of the question, those of {title} {last.coverage:.0%}"
        )
    return f"in words, meaning and passages together it scored {own.value:.2f}, {title} {last.value:.2f}"


def _tell_ranks(ranks: Ranks) -> str:
    named = (("by meaning", ranks.dense), ("by words", ranks.lexical))
    return ", ".join(f"{rank} {side}" if rank else f"not found {side}" for side, rank in named)


def _numbers(record: Record, paper_id: str) -> str:
    return "".join(f"[{each['number']}]" for each in record["citations"] if each["paper_id"] == paper_id)
