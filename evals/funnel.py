"""The failure funnel: where each answerable question was lost on its way from the corpus to a right answer.

Knows questions, answers and the papers of a run; knows nothing of metrics' values or of pages.
"""

from collections.abc import Mapping, Sequence

from chatbot.records import Paper
from evals.questions import Fact, Sample
from evals.scores import Answer, Scored, cites, tells

STAGES = {
    "errored": "no answer came back",
    "not in corpus": "a paper that tells a key fact was not indexed",
    "not retrieved": "it was indexed, but not among the papers found",
    "retrieved but unused": "it was found, but not cited",
    "used but mis-cited": "it was cited, but not where it tells the fact",
    "wrongly abstained": "all was found, but the bot declined to answer",
    "facts missing": "the right passages were cited, but a key fact was not told",
    "fine": "every key fact was told, and cited where it stands",
}
_ORDER = list(STAGES)


def make_funnel(scored: Sequence[Scored], papers: Mapping[str, Paper]) -> dict[str, list[str]]:
    """Return the ids of the answerable questions by stage; every stage is there, and every question in just one.

    Args:
        scored: Questions with their recorded answers.
        papers: The papers of the run by id: a relevant one that is not there was not in the corpus.
    """
    funnel: dict[str, list[str]] = {stage: [] for stage in STAGES}
    for one in scored:
        if one.sample.expected == "answered":
            funnel[find_stage(one, papers)].append(one.sample.id)
    return funnel


def find_stage(scored: Scored, papers: Mapping[str, Paper]) -> str:
    """Return where the question was lost: each key fact is followed, and the one that was lost first counts."""
    if scored.answer is None:
        return "errored"
    sample, answer = scored.sample, scored.answer
    known = set(papers) | ({sample.carrier.id} if sample.carrier else set())
    stages = [_follow(answer, fact, _tellers(sample, fact), known) for fact in sample.facts]
    # Without key facts, all that can be followed is each relevant paper.
    stages = stages or [_follow(answer, None, {paper}, known) for paper in sample.papers]
    return min(stages, key=_ORDER.index, default="wrongly abstained" if scored.abstained else "fine")


def _tellers(sample: Sample, fact: Fact) -> set[str]:
    """Return the papers of which any can tell ``fact``."""
    return {str(span["paper"]) for span in fact.evidence} or set(sample.papers)


def _follow(answer: Answer, fact: Fact | None, tellers: set[str], known: set[str]) -> str:
    cited = {citation["paper_id"] for citation in answer["citations"]}
    spans = fact.evidence if fact else ()
    lost = {
        "not in corpus": not tellers & known,
        "not retrieved": not tellers & ({hit["paper_id"] for hit in answer["retrieved"]} | cited),
        "wrongly abstained": answer["status"] == "abstained",
        "retrieved but unused": not tellers & cited,
        "used but mis-cited": bool(spans) and not cites(answer, spans),
        "facts missing": fact is not None and not tells(answer, fact),
    }
    return next((stage for stage, is_lost in lost.items() if is_lost), "fine")
