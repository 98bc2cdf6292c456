"""Write an answer with a language model, of which only checked sentences are kept.

Knows passages, prompts and verdicts; the model is a function from a prompt to pieces of text, the check a function
from a claim to a verdict. Knows nothing of providers, retrieval or screens.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate

from chatbot.answers import Draft, Numbering, Sentence, Status, Usage
from chatbot.claims import Checked, Claim, Passage
from chatbot.markup import defuse_markdown
from chatbot.records import Match, Question

CHARS_A_TOKEN = 3.5  # of English prose; models differ, so this is on the careful side
_SAYS_NOTHING = re.compile(
    r"\W*(?:the |these )?(?:\w+ )?(?:papers?|passages?|abstracts?) (?:do|does)(?: not|n['’]t) "
    r"(?:say|answer|state|mention|tell|contain)",
    re.I,
)
_NONE = re.compile(r"\W*none\W*$", re.I)

Model = Callable[[str], Iterator[str | Usage]]
Read = Callable[[Iterable[str]], Iterator[Claim]]
Check = Callable[[Claim, Sequence[Passage]], Checked]
Render = Callable[..., str]


@dataclass(frozen=True, slots=True)
class Written:
    """What has been written so far: checked claims in the order of arrival, and what the calls used."""

    checked: tuple[Checked, ...] = ()
    usage: Usage = field(default_factory=Usage)
    declined: bool = False

    @property
    def shown(self) -> list[Checked]:
        """Return the claims that may be shown."""
        return [found for found in self.checked if found.verdict != "unsupported"]

    @property
    def withheld(self) -> list[Checked]:
        """Return the claims that failed the check."""
        return [found for found in self.checked if found.verdict == "unsupported"]


def number_passages(matches: Sequence[Match], tokens: int) -> tuple[list[Passage], tuple[str, ...]]:
    """Return the papers of ``matches`` (best first) as numbered passages that fit ``tokens``, and the ids cut off.

    Papers are shown with all that was read of them: abstracts whole, of full texts what is nearest to the question. Of
    the first, as much is shown as fits.
    """
    passages: list[Passage] = []
    left = tokens * CHARS_A_TOKEN
    for at, match in enumerate(matches):
        passage = Passage(len(passages) + 1, match.hit.paper, match.spans)
        passage = passage if passages else cut_passage(passage, tokens)
        left -= len(format_passages([passage]))
        if left < 0 and passages:
            return passages, tuple(rest.hit.paper.id for rest in matches[at:])
        passages.append(passage)
    return passages, ()


def cut_passage(passage: Passage, tokens: int) -> Passage:
    """Return ``passage`` with as many of its first sentences as fit ``tokens``, and at least one."""
    sizes = accumulate(len(span.text) + len("[1.100] ") for span in passage.spans)
    count = sum(size <= tokens * CHARS_A_TOKEN for size in sizes)
    return replace(passage, spans=passage.spans[: max(count, 1)])


def format_passages(passages: Sequence[Passage]) -> str:
    """Return the passages as a model is shown them: each paper between tags, its sentences numbered ``[2.4]``."""
    blocks = []
    for passage in passages:
        lines = [f"[{passage.number}.{at}] {_as_data(span.text)}" for at, span in enumerate(passage.spans, 1)]
        head = [f'<paper number="{passage.number}">', f"title: {_as_data(passage.paper.title)}"]
        blocks.append("\n".join([*head, *lines, "</paper>"]))
    return "\n\n".join(blocks)


def _as_data(text: str) -> str:
    """Return ``text`` on one line and unable to close the tag that it stands in."""
    return " ".join(re.sub(r"<(?=/?\s*paper)", "‹", text, flags=re.I).split())


def write_answer(
    question: Question,
    passages: Sequence[Passage],
    render: Render,
    model: Model,
    read: Read,
    check: Check,
    revise: bool,
) -> Iterator[Written]:
    """Yield what is written each time a sentence has been checked; the last is complete.

    With ``revise``, one more call asks the model to mend what failed. Whatever ``model`` raises passes through.
    """
    written = Written()
    shown = format_passages(passages)
    prompt = render("compare" if question.kind == "compare" else "answer", passages=shown, question=question.text)
    for latest in _write(written, prompt, passages, model, read, check):
        written = latest
        yield written
    if revise and written.withheld and not written.declined:
        failures = "\n".join(f"- {found.claim.text} ({found.reason})" for found in written.withheld)
        prompt = render("revise", passages=shown, question=question.text, failures=failures)
        yield from _write(written, prompt, passages, model, read, check)


def _write(
    written: Written, prompt: str, passages: Sequence[Passage], model: Model, read: Read, check: Check
) -> Iterator[Written]:
    usage = [written.usage]

    def pieces() -> Iterator[str]:
        for piece in model(prompt):
            if isinstance(piece, str):
                yield piece
            else:
                usage.append(piece)

    for claim in read(pieces()):
        if _SAYS_NOTHING.match(claim.text) and not claim.marks:
            written = replace(written, declined=True)
        elif not _NONE.match(claim.text):
            written = replace(written, checked=(*written.checked, check(claim, passages)))
            yield written
    yield replace(written, usage=sum(usage[1:], usage[0]))


def format_draft(written: Written, confidence: float, ended: bool) -> Draft:
    """Return the checked sentences as a draft: each place that is cited gets a number in the order of its first use.

    Status is ``partial`` when nothing is fully supported or more was withheld than shown, ``abstained`` when
    nothing is left.
    """
    numbers = Numbering()
    sentences, text = [], ""
    for found in written.shown:
        cited = tuple(
            dict.fromkeys(numbers.cite(paper, span.text, span.start, span.end) for paper, span in found.sources)
        )
        sentences.append(Sentence(found.claim.text, cited, found.verdict, found.reason))
        text += _layout(found.claim, bool(text)) + defuse_markdown(found.claim.text)
        text += " " + "".join(f"[{number}]" for number in cited)
        text += " *(not fully covered)*" if found.verdict == "weak" else ""
    withheld = tuple(Sentence(found.claim.text, (), found.verdict, found.reason) for found in written.withheld)
    supported = sum(found.verdict == "supported" for found in written.shown)
    status: Status
    if not sentences:
        status = "abstained"
    elif ended and (not supported or len(withheld) > len(sentences)):
        status = "partial"
    else:
        status = "answered"
    return Draft(status, text, tuple(sentences), numbers.citations, confidence, withheld)


def _layout(claim: Claim, follows: bool) -> str:
    if claim.bullet:
        return "\n- " if follows else "- "
    if not follows:
        return ""
    return "\n\n" if claim.new_line else " "
