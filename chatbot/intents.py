"""Tell from a question's wording what it asks for: of one paper, of several, of each of two; a figure, a reason.

Knows English; knows nothing of papers, nor of which words of a question are content.
"""

import re
from itertools import pairwise

from chatbot.records import Kind, Want

_WHICH = re.compile(
    r"\b(?:which|what|list|name|find|show|give|all|any|every)\b(?:\W+(?!(?:the|an?|is|are|do|does|did)\b)\w+){0,4}?\W+"
    r"(?:papers|(?<!it )works|articles|abstracts|studies|publications)\b(?! (?:best|better|well)\b)"
    r"|\bwhich (?:(?!of\b)[\w-]+ ){0,3}(?:methods|approaches|algorithms|authors)\b"
    r"(?! (?:does|did|is|was)\b)(?!.*\b(?:compared|beaten)\b)"
    r"|\b(?:list|find|show|give|name)\b(?:[^\w-]+[\w-]+){0,4}?[^\w-]+(?:methods|approaches|algorithms)\b"
    r"|\b(?:list|find|show|give|name|looking for)\b(?: me)?(?: all| the| any| some){0,2} (?:[\w-]+ ){0,4}?"
    r"(?:papers|(?<!it )works|articles|studies|work (?:on|about|with)|research (?:on|about|with))\b"
    r"|^\W*(?:[\w/-]+ ){0,5}(?:papers|articles|studies)\W*$"
    r"|\bwhat (?:do|have|else do) (?:you|we) (?:have|got|know)(?: here)? (?:on|about)\b|\bwhat is there (?:on|about)\b"
    r"|\bany (?:work|research) (?:on|about|with|using)\b|\banything (?:from|to do with)\b"
    r"|\b(?:do|does|did|are|is|have|has) any (?:of (?:them|these|those)|papers?|works?|one|body|methods?)\b"
    r"|\b(?:all|those|ones) that\b(?=.*\b(?:use|deal|stud|work))"
    r"|\bhow many (?:\w+ ){0,2}(?:papers|works|articles|studies)\b"
    r"|\b(?:is|are) there (?:any |other |more ){0,2}(?:papers?|works?|studies|articles?|research)\b"
    r"|\b(?:which|what) (?:\w+ )?(?:methods|approaches|algorithms|research) (?:exists?|(?:are|is) there)\b"
    r"|\b(?:papers|works|articles|abstracts|studies) (?:here |indexed )?"
    r"(?:that|which|about|on|using|with|w|dealing|for|where|involving|related|tested|proposing|addressing|based)\b"
    r"|(?:^|\b(?:is|are) there |\b(?:find|list|show|have|got|see|want|looking for)(?: me)? )(?:anything"
    r"|everything|something|all) "
    r"(?:else |here |indexed )?(?:on|about|that|which|related|dealing|using|with)\b|^(?:is |has )?any(?:one|body)\b"
    r"|^(?:so |and )?where (?:is|are|does|do)\b(?!.*\bcome from\b)"
    r".*\b(?:used?|use of|studied|mentioned|applied|tested|appear)(?: or \w+)?\W*$"
    r"|\bwho (?:else )?(?:has |have )?(?:used?|uses|studi(?:es|ed)|work(?:s|ed) on|test(?:s|ed)?"
    r"|evaluate[sd]?|report(?:s|ed)?|propose[sd]?|deal[st]? with|look(?:s|ed) (?:at|into))\b"
    r"|\bwhich of (?:them|these|those|the (?:papers|works|articles|abstracts|studies))\b"
    r"|^\W*(?:and |but )?which ones\b",
    re.I,
)
_VS = r"(?:unlike|versus|vs\.?|whereas|as opposed to|in contrast to)"
_PAPER = r"(?:papers?|works?|stud(?:y|ies)|articles?|surveys?)"
# A comparison is asked for, or the question speaks of two things and of each of them.
_COMPARE = re.compile(
    r"(?:^|[.?!:] )\W*(?:(?:can|could|would) you )?(?:please )?(?:compare|contrast)\b|\bcomparison between\b"
    r"|\bdiff(?:erence)?s? (?:between|btw|b/w)\b|\bhow (?:do|does|did) .{2,80} and .{2,80} differ\b|\bin common\b"
    r"|^(?!\W*(?:how|what|why|which|when|where|does|do|is|are|can|in|on|for)\b)[^?]{2,80}\b(?:vs\.?|versus) [^?]{2,}"
    r"|^[^:?,]{3,80} and [^:?,]{3,80}: (?:how|what|which|where|why|do|does|is|are)\b"
    r"|\bthe [^,?]{2,60} (?:paper|work|study|approach|method) and the [^,?]{2,60} (?:paper|work|study|approach"
    r"|method)\b"
    r"|\bcompared (?:with|to) the (?:[\w-]+ ){0,4}(?:one|paper|work)\b|\bdifferences? in\b.{2,80}\band\b"
    rf"|\b{_VS} (?:(?:the|an?)\b|(?-i:[A-Z]))"
    r"|\b(?:each|either|both)(?: (?:one|paper|work|method|approach|of (?:them|these)|cases?))?"
    r"(?:\W+(?:do|does|did|use|make|find|claim|get|deal|go|say|bring|need|build|tackle|give|change|release|propose"
    r"|assume|report|pick|cover|treat|prepare|rely|offer|handle|solve|address|avoid|learn|train|test|apply|reach|save"
    r"|achieve|reduce|prove|stud|focus|depend|represent|store|measure)\w*\b|\s*[?,;]|\s*$)"
    r"|\bthey (?:each|both)\b"
    rf"|\b(?:two|both|(?<!of )these(?= two| (?:\w+ )?papers.*\b(?:differ|shar|agree|same)))(?: (?!and\b"
    rf"|or\b)[\w-]+){{0,4}}? {_PAPER}\b|\bboth (?:of )?(?:these|them)\b"
    rf"|\b(?:{_PAPER}|one)\b.*(?:[,;]|\band|\bor) (?:(?:how|what|which|why|where) (?:do|does|did|is|are) )?"
    rf"(?:another|the other)\b|\b(?:a|the) first {_PAPER}\b.*\b(?:a|the) (?:second|later|other)\b"
    rf"|\bone {_PAPER}\b(?=.*\b(?:other|one)\b)"
    r"|^[^:?.]{2,160}\b(?:or|against|next to|beside)\b[^:?.]{2,}(?::| [-–—] |,\s+(?:what|which|how|where)\b)"
    r"|^[^:?.]{2,80}\band\b[^:?.]{2,60}\bboth\b(?! of| [\w-]+ and)"
    r"|\b(in|by|of|for|from|between|to) (?:[\w’'-]+ ){1,8}?and (?:also )?\1 (?:the|an?) "
    r"(?!first|second|third|same|next|last)"
    r"|(?:\band|,) (?:what|which|how) (?:in |for |about |of )?the (?:[\w-]+ ){0,4}?(?:one|other|paper|work|study)\b",
    re.I,
)
# Of two things these ask to compare, even where neither is called by name; with one name, both may be of one paper.
_VERSUS = re.compile(rf"\b{_VS} ", re.I)
# Of two things named or described, these ask to compare; of one they do not.
_COMPARE_TWO = re.compile(
    r"\b(?:differs?|diff(?:erence)?s?|different from|distinguish\w*|similarit\w+|compar\w+)\b"
    r"|^(?!.*(?-i:[A-Z]s\b)).*\b(?:they|their)\b"
    r"|\b(?:do|does|did|is|are|was|were|can) (?:each|either|both)\b(?! (?:of the|the))"
    r"|\b(in|by|of|for|from|between|to) (?:[\w’'-]+ ){1,8}?and (?:also )?\1 (?!what|which|how|whom)",
    re.I,
)
_DESCRIBED = re.compile(
    rf"\b(?:the|a|an)(?: (?!and\b|or\b)[\w’'-]+){{0,5}}? "
    rf"(?:{_PAPER}|approach|method|model|net|network|one|system|algorithm)"
    rf" (?:that|which|who|on|about|with|for|of|where|using|from)\b|\w+ {_PAPER}\b",
    re.I,
)
_FIGURE = re.compile(
    r"\bhow (?:much|many|long|big|fast|large|often|small|far|accurate|quick\w*)\b"
    r"|\bpercent\w*\b|\bby what (?:share|factor)"
    # None of these when it only describes another noun, as in "the accuracy gap".
    r"|\b(?:score|accurac(?:y|ie)|error|rate|percentage|share|number|size|speed-?up|fraction|ratio|mIoU|figure|cost)s?\b"
    r"(?=\W*$|[?,.;:)]| (?:do|does|did|is|are|was|were|can|could|has|have|of|on|in|for|at|with|over|to|by|they|it"
    r"|the|and)\b)",
    re.I,
)
# Of "code" and "link", only those that can be had: no "code generation", no "link prediction".
_LINK = re.compile(
    r"\b(?:codes(?= (?:(?:be|are|is) )?(?:public\w*|available|released|open|online|shared))"
    r"|(?<!\bin )(?<!\bof )(?<!\bin source )(?<!\bof source )code"
    r"(?! ?(?:generat|complet|search|review|synthes|book|length|understand|summari|model|translat))"
    r"|(?:(?<!\w )|(?<=\ba )|(?<=\bany )|(?<=\bthe )|(?<=\bits )|(?<=\btheir )|(?<=\bcode )|(?<=\bproject ))"
    r"links?(?! ?(?:between|predict|load|weight|sign|analy|format|function|structur|rate|quality|capacit|fail|level"
    r"|adapt))"
    r"|(?:(?<=how do i )(?:get|install)|(?<=can i )(?:get|find|install))(?= [\w-]+(?:[,?.;]| and\b|\W*$))|repo"
    r"|repository|github|urls?"
    r"|implementation(?! details?\b)|(?:(?<=\bi )|(?<=\bwe )|(?<=\bfor ))download|open.?source[d]?)\b",
    re.I,
)
_NO_MORE = r"(?=\W*$|[,.;?]| (?:and|in|at|by|on)\b)"  # and not "published results"
_OF_RECORD = {
    "authors": r"who (?:wrote|authored|published)\b|who (?:is|are|were) (?:the )?(?:\w+ )?(?:co-?)?authors?\b"
    r"|(?:what are|list|name|give|show|tell)(?: me)? (?:the )?(?:names of )?(?:the )?authors?(?: of\b|\W*$)"
    r"|(?:written|authored) by (?:whom|who)\b|by whom\b",
    "year": rf"(?:when|(?:what|which) year) (?:was|were|did|is) .{{1,100}}\b(?:published|come out)\b{_NO_MORE}"
    r"|(?:publication|publishing) (?:year|date)\b|(?:year|date) of publication\b",
    "venue": rf"where (?:was|were|is|did) .{{1,100}}\b(?:published|accepted)\b{_NO_MORE}"
    r"|(?:what|which) (?:conference|journal|venue)\b(?! (?:papers?|articles?|abstracts?|data))",
    "affiliations": r"affiliat(?:ed|ions?)\b"
    r"|(?:which|what) (?:universit\w+|institut\w+|labs?)\b.*\b(?:authors?|wrote)\b",
    "licence": r"(?:what|which) (?:open.source )?licen[cs]es?\b",
    "funding": r"who (?:funded|sponsored|paid for)\b|(?:what|which) (?:funding|grants?)\b",
    "number of citations": r"how (?:many times|often)\b.*\bcited\b|how many citations (?:does|has|did)\b",
}
_ASKS_RECORD = {field: re.compile(rf"\b(?:{pattern})", re.I) for field, pattern in _OF_RECORD.items()}
_BACKGROUND = re.compile(
    r"\b(?:why|problems?|limit\w*|drawback\w*|challeng\w*|motivat\w*|existing|prior|earlier|previous\w*|obstacle\w*"
    r"|comes? from|origins?|reasons?|due to|stems? from|struggl\w*|weakness\w*|issues?|shortcoming\w*|hard"
    r"|difficult\w*|poor|caus\w+|wrong|fail\w*|suffer\w*|lack\w*|flaw\w*)\b",
    re.I,
)
_HOW = re.compile(
    r"\bhow (?:do|does|is|are|can|did|to)\b|\b(?:explain|procedure|mechanism|in what way|by (?:what|which)|walk me)\b",
    re.I,
)
_OVERVIEW = re.compile(
    r"^\W*(?:what(?:'s| is| are|s) (?!(?:the|wrong|new|different|special|better)\b)(?:\S+ ){0,7}\S+\s*$"
    r"|what(?:'s| is| are|s) the (?!.*\b(?:accurac|score|error|rate|size|number|speed|cost|result|gain|data|code"
    r"|link|author|main|key|goal|aim|problem|idea|method|approach|differ|limit|best|benefit|point|purpose"
    r"|catch))(?:[\w-]+ ){1,3}\W*$"
    r"|what (?:do|does|is) .{2,60} (?:mean|meant)\b|define\b"
    r"|(?:tell me about|summari[sz]e|describe|introduce|explain)\b"
    r"|what (?:do|does) (?:\S+ ){1,6}(?:do|propose)\W*$)",
    re.I,
)
_RESULT = re.compile(
    r"\b(?:how (?:well|good|close|tight|near|far|big|large)|results?|gains?|improve\w*|achieve\w*|outcome|c[oa]me out"
    r"|(?<!^)find(?! (?:me|all|any|papers|works?)\b)|found|findings|shown?|prove[sdn]?|proving|provably"
    r"|guarantee\w*|bounds?|benefit\w*|better|beat|compare\w* (?:to|with)|perform\w*"
    r"|accura\w*|effect|claims?|what happens|work out|pay off|save[sd]?|savings?)\b",
    re.I,
)
_PURPOSE = re.compile(
    r"\b(?:to what end|for what|what for|purpose|goal|aim\w*|meant to|intended|objective|used? for|tasks?|setting"
    r"|assum\w+|condition\w*|require\w*|need\w*)\b",
    re.I,
)
_DATA = re.compile(
    r"\b(?:data\w*|benchmark\w*|corpus|corpora|tested|evaluated|experiments?|tried|on (?:which|what))\b", re.I
)
_WANTS: dict[Want, re.Pattern[str]] = {
    "figure": _FIGURE,
    "link": _LINK,
    "background": _BACKGROUND,
    "method": _HOW,
    "overview": _OVERVIEW,
    "result": _RESULT,
    "purpose": _PURPOSE,
    "data": _DATA,
}
# What is asked begins at the start of a sentence or clause with a question word, also behind "by", "on" and the like.
_ASKS = re.compile(
    r"(?:^|[?!;:,.…]\s+|\s[-–—]\s+|\b(?:and|or|but)\s+)(?:(?:and|or|but|also|then|so)\s+)*"
    r"(?=(?:what|which|how|why|who|whom|whose"
    r"|(?:where|when)(?! (?!is|are|does|do|did|was|were|can|could)\w)"
    r"|(?<!, )(?:is|are|does|do|did|was|were|can|could|any))\b"
    r"|(?:by|on|in|to|with|from|for|under|at|of|as|after|against|over|thanks to|through|because of)\s+"
    r"(?:what|which|how|whom|whose)\b)",
    re.I,
)
_SENTENCE_ENDS = re.compile(r"[?;]\s+|[.!]\s+(?=[A-Z])")


def find_kind(text: str, names: int) -> Kind:
    """Return whether ``text``, with so many coined names in it, asks of one paper, compares, or asks which papers."""
    if _COMPARE.search(text):
        return "compare"
    sides = names + len(_DESCRIBED.findall(text))
    if sides != 1 and _VERSUS.search(text):
        return "compare"
    if sides >= 2 and _COMPARE_TWO.search(text):
        return "compare"
    return "which" if _WHICH.search(text) else "single"


def find_wants(text: str) -> frozenset[Want]:
    """Return the kinds of facts that ``text`` asks for."""
    return frozenset(want for want, asks in _WANTS.items() if asks.search(text))


def find_fields(text: str) -> tuple[str, ...]:
    """Return what ``text`` asks of a paper's record rather than of its abstract."""
    return tuple(field for field, asks in _ASKS_RECORD.items() if asks.search(text))


def asks_link(text: str, at: int) -> bool:
    """Tell whether the word at ``at`` asks for an address."""
    return bool(_LINK.match(text, at))


def split_parts(text: str) -> list[tuple[int, int]]:
    """Return where each thing that is asked begins and ends; what stands before the first belongs to none."""
    starts = [match.end() for match in _ASKS.finditer(text)]
    ends = [match.start() for match in _SENTENCE_ENDS.finditer(text)] + [len(text)]
    return [
        (start, min([end for end in ends if end > start] + [following]))
        for start, following in pairwise([*starts, len(text)])
    ]
