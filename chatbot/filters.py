"""Read an expression such as ``year>=2023 and venue:icml`` as a value that tells which papers pass.

Knows the language of filters and the facts of a paper; knows nothing of indexes, questions or screens.
"""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

from chatbot.errors import InputError
from chatbot.markup import clip_text, flatten_text
from chatbot.records import Paper

if TYPE_CHECKING:
    from pyparsing import ParserElement

Field = Literal["year", "venue", "author", "title", "id", "url", "doi", "arxiv", "source"]
Sign = Literal[":", "=", "!=", "<", "<=", ">", ">="]
EXAMPLE = "year>=2023 and venue:icml"
MOST_CHARS = 20_000
_WORDS = ("and", "or", "not")
_SEARCHED: tuple[Field, ...] = ("title", "author", "venue")
_TEXTS = ("venue", "author", "title", "id", "url", "doi", "arxiv", "source")
_ORDER: dict[str, Callable[[int, int], bool]] = {
    ":": operator.eq,
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True, slots=True)
class Clause:
    """One field held against one value: a number for the year, else a text on one line.

    ``:`` means that a text contains the value, ``=`` that it is the value, in whatever case; of several authors or
    sources one has to. ``!=`` is the opposite of ``=``. A year that is not known passes no sign but ``!=``.
    """

    field: Field
    sign: Sign
    value: str | int

    def matches(self, paper: Paper, sources: Sequence[str] = ()) -> bool:
        """Tell whether ``paper``, which came from ``sources``, passes."""
        if self.sign == "!=":
            return not Clause(self.field, "=", self.value).matches(paper, sources)
        if isinstance(self.value, int):
            return paper.year is not None and _ORDER[self.sign](paper.year, self.value)
        wanted = self.value.casefold()
        texts = [flatten_text(text).casefold() for text in _texts(self.field, paper, sources)]
        return any(wanted in text if self.sign == ":" else wanted == text for text in texts)

    def __str__(self) -> str:
        return f"{self.field}{self.sign}{_write(self.value)}"


@dataclass(frozen=True, slots=True)
class Negation:
    """What passes where ``part`` does not."""

    part: "Filter"

    def matches(self, paper: Paper, sources: Sequence[str] = ()) -> bool:
        """Tell whether ``paper``, which came from ``sources``, passes."""
        return not self.part.matches(paper, sources)

    def __str__(self) -> str:
        return f"not {_enclose(self.part)}"


@dataclass(frozen=True, slots=True)
class Group:
    """Several filters that all have to pass (``and``), or one of which has to (``or``)."""

    word: Literal["and", "or"]
    parts: tuple["Filter", ...]

    def matches(self, paper: Paper, sources: Sequence[str] = ()) -> bool:
        """Tell whether ``paper``, which came from ``sources``, passes."""
        return (all if self.word == "and" else any)(part.matches(paper, sources) for part in self.parts)

    def __str__(self) -> str:
        return f" {self.word} ".join(map(_enclose, self.parts))


Filter = Clause | Negation | Group
Wanted = Filter | str | None  # a filter, written down or not, or none


def parse_filter(text: str) -> Filter:
    """Return the filter that ``text`` writes down; ``parse_filter(str(filter)) == filter``.

    ``not`` binds closest, then ``and``, then ``or``. Raises InputError with the place where it cannot be read on.
    """
    from pyparsing import ParseBaseException

    if len(text) > MOST_CHARS:
        raise InputError(f"the filter has {len(text):,} characters; at most {MOST_CHARS:,} are allowed")
    try:
        parsed: Filter = _grammar().parse_string(text, parse_all=True)[0]
    except ParseBaseException as error:
        rest = clip_text(text[error.loc :], 20)
        at = f"character {error.loc + 1} (“{rest}”)" if rest else "its end"
        wanted = "“and” or “or”, or its end" if "end of text" in error.msg else error.msg.removeprefix("Expected ")
        raise InputError(f"the filter cannot be read at {at}: expected {wanted}; as in: {EXAMPLE}") from error
    except RecursionError as error:
        raise InputError("the filter is nested too deeply; write it with fewer parentheses") from error
    return parsed


def parse_words(text: str) -> list[Filter]:
    """Return a filter for each word of ``text``: that it stands in title, authors or venue, or is the year."""
    words = []
    for word in text.split():
        places: list[Filter] = [Clause(field, ":", word) for field in _SEARCHED]
        if word.isdecimal() and len(word) <= 6:  # as many digits as a filter may have
            places.append(Clause("year", "=", int(word)))
        words.append(join_filters("or", places))
    return words


def join_filters(word: Literal["and", "or"], parts: Sequence[Filter]) -> Filter:
    """Return ``parts``, of which there is at least one, as one filter."""
    return parts[0] if len(parts) == 1 else Group(word, tuple(parts))


def _texts(field: Field, paper: Paper, sources: Sequence[str]) -> Sequence[str]:
    if field == "author":
        return paper.authors
    if field == "source":
        return sources
    text: str = getattr(paper, "arxiv_id" if field == "arxiv" else field)
    return (text,)


def _enclose(part: Filter) -> str:
    return f"({part})" if isinstance(part, Group) else str(part)


def _write(value: str | int) -> str:
    if isinstance(value, int) or (value.replace("-", "").isalnum() and value.lower() not in _WORDS):
        return str(value)
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@cache
def _grammar() -> "ParserElement":
    """Return the parser: the next word decides each branch, so it reads in one pass and knows where it fails."""
    import pyparsing as pp

    conjunction, disjunction, negation = map(pp.CaselessKeyword, _WORDS)
    quoted = [
        pp.QuotedString(start, esc_char="\\", end_quote_char=end, convert_whitespace_escapes=False)
        for start, end in ('""', "''", "“”")
    ]
    word = pp.Regex(rf"(?!(?i:{'|'.join(_WORDS)})\b(?![\w.-]))[^\s()\"'“”][^\s()\"“”]*")
    value = (pp.MatchFirst(quoted) | word).set_parse_action(lambda found: flatten_text(found[0]))
    number = pp.Regex(r"\d{1,6}(?![^\s()])").set_parse_action(lambda found: int(found[0]))
    sign = pp.one_of([*_ORDER, "!="]).set_name("one of : = != < <= > >=")
    about_year = pp.CaselessKeyword("year") - sign - number.set_name("a year, as in 2023")
    about_text = (
        pp.one_of(_TEXTS, caseless=True, as_keyword=True)
        - pp.one_of([":", "=", "!="]).set_name("one of : = != (the others compare years)")
        - value.set_name("a word, or words in quotes")
    )
    clause = (about_year | about_text).set_parse_action(lambda found: Clause(*found))
    either = pp.Forward()
    enclosed = pp.Suppress("(") - either - pp.Suppress(pp.Literal(")").set_name("“and”, “or” or a closing parenthesis"))
    single = pp.Forward()
    denied = (negation.suppress() - single).set_parse_action(lambda found: Negation(found[0]))
    single <<= (enclosed | denied | clause).set_name(f"one of year, {', '.join(_TEXTS)}, not, or a parenthesis")
    both = single + (conjunction.suppress() - single)[...]
    both.set_parse_action(lambda found: join_filters("and", list(found)))
    either <<= both + (disjunction.suppress() - both)[...]
    return either.set_parse_action(lambda found: join_filters("or", list(found)))
