"""What programs may ask of the papers: four functions from JSON to JSON that change nothing.

Knows the types and limits of what comes in; leaves the work to the pipeline. Knows nothing of HTTP, Gradio or MCP, for
which the docstrings and descriptions here are the documentation.
"""

from collections.abc import Callable, Generator
from dataclasses import asdict
from functools import wraps
from typing import Annotated, Any, TypeVar

from pydantic import Field, TypeAdapter, ValidationError, validate_call

from chatbot.answers import hits_to_dicts
from chatbot.comparer import MOST_COLUMNS, MOST_PAPERS
from chatbot.errors import InputError
from chatbot.pipeline import PaperChatbot

Tool = Callable[..., dict[str, Any]]
Told = TypeVar("Told")
# What passes a watch is an answer as it grows, or the one thing that is told. It is given the request, which says who
# asks, and the question, and may raise a ChatbotError.
Watch = Callable[[Any, str, Generator[Any]], Generator[Any]]

_MOST_TURNS = 50

Query = Annotated[str, Field(description="What to look for: a topic, a method or a name.")]
TopK = Annotated[int, Field(ge=1, le=100, description="How many papers, from 1 to 100.")]
AskedQuestion = Annotated[str, Field(description="What you want to know, in English.")]
History = Annotated[
    list[str] | None,
    Field(max_length=_MOST_TURNS, description="Your earlier questions, oldest first, to which the question may refer."),
]
Papers = Annotated[
    list[str],
    Field(
        min_length=1,
        max_length=MOST_PAPERS,
        description="Titles, parts of titles, names or paper ids; or a single “the papers about X”.",
    ),
]
Aspects = Annotated[
    list[str] | None,
    Field(
        max_length=MOST_COLUMNS,
        description="Columns: problem, approach, key idea, data, results, code, or any words, such as “does it need a "
        "GPU?”. Without any, those six.",
    ),
]
PaperId = Annotated[str, Field(max_length=500, description="The paper_id of a search result or a citation.")]


def make_tools(bot: PaperChatbot) -> tuple[Tool, ...]:
    """Return the functions over ``bot``; each raises InputError, in one line, for what it cannot use."""

    def search_papers(query: Query, top_k: TopK = 10) -> dict[str, Any]:
        """Find indexed research papers, best first: rank, paper_id, title and score of each."""
        return {"question": query, "hits": hits_to_dicts(bot.search(query, top_k))}

    def ask_papers(question: AskedQuestion, history: History = None) -> dict[str, Any]:
        """Answer a question from the indexed papers, every sentence with its exact quotation.

        The answer is Markdown with [n]; citations give the quotation of each n, its paper and its place there. Status
        is answered, partial, or abstained when the papers do not answer.
        """
        return bot.ask(question, history or ()).to_dict()

    def compare_papers(papers: Papers, aspects: Aspects = None) -> dict[str, Any]:
        """Set papers side by side: a grid of papers by aspects, and cited sentences on what they share.

        Each cell is a quotation, or says that the abstract does not state it. The answer holds it as Markdown,
        comparison as data.
        """
        answer = bot.compare(papers, aspects or ())
        if answer.comparison is None or not answer.comparison.papers:
            raise InputError(" ".join(answer.answer.split()))
        return answer.to_dict()

    def get_paper(paper_id: PaperId) -> dict[str, Any]:
        """Return one indexed paper: title, abstract, authors, venue, year and address."""
        if (paper := bot.paper(paper_id)) is None:
            raise InputError(f"no indexed paper has the id “{paper_id}”; a search gives the ids")
        return {name: value for name, value in asdict(paper).items() if name not in ("body", "pages")}

    return tuple(_check(tool) for tool in (search_papers, ask_papers, compare_papers, get_paper))


def let_pass(request: Any, question: str, answers: Generator[Any]) -> Generator[Any]:
    """Be a watch that lets everyone ask everything."""
    return answers


def call_watched(watch: Watch, request: Any, question: str, work: Callable[[], Told]) -> Told:
    """Return what ``work`` returns, if ``watch`` lets it pass."""
    told: Told
    (told,) = watch(request, question, (work() for _ in range(1)))
    return told


def describe_input(tool: Tool) -> dict[str, Any]:
    """Return the JSON schema of the arguments of ``tool``."""
    arguments: Any = tool
    return TypeAdapter(arguments).json_schema()


def _check(tool: Tool) -> Tool:
    """Return ``tool``, which refuses arguments of other types, or out of bounds, in one line."""
    checked = validate_call(tool)

    @wraps(tool)
    def call(*given: Any, **named: Any) -> dict[str, Any]:
        try:
            return checked(*given, **named)
        except ValidationError as error:
            first = error.errors()[0]
            raise InputError(f"{_name_place(tool, first['loc'])}: {first['msg']}") from error

    return call


def _name_place(tool: Tool, place: tuple[int | str, ...]) -> str:
    """Return the argument that ``place`` points into; pydantic counts those given by position."""
    names = list(tool.__annotations__)
    head = names[place[0]] if place and isinstance(place[0], int) and place[0] < len(names) else str(place[0])
    return ".".join([head, *map(str, place[1:])])
