"""Words that tell the family of an everyday request, where the benchmarks that the model learned from have nothing like it: nobody sets an
exam in writing React components. They add to what the model says, and are silent in exams and where tools are offered."""

from collections.abc import Mapping, Sequence

from libs.contracts.reading import Family

BEGINNING, END = 80, 40
"""Tokens of a prompt that are looked at: what is wanted stands at one of its ends, and a pasted document in between."""
COMMAND = 8
"""Tokens among which a command has its verb: an essay that is asked for is writing, one that somebody has lost is a puzzle."""
MARKED = 1200
"""Characters in which marks are looked for."""
DOUBT = 0.4
"""What is left of the model's own word after one cue; after two its square."""

_WORDS: dict[Family, str] = {
    "code": "python javascript typescript java rust golang kotlin php sql mysql postgres postgresql html css bash powershell regex regexp react vue "
    "angular django flask fastapi nodejs docker dockerfile kubernetes npm webpack terraform github gitlab api endpoint backend frontend traceback "
    "stacktrace compiler refactor debug debugging segfault typeerror valueerror keyerror nullpointerexception async await unittest pytest linter "
    "repository codebase script class json yaml linked lru cache hashmap code coding program bug",
    "math": "prove proof theorem lemma integral integrate derivative differentiate equation equations polynomial eigenvalue eigenvalues calculus "
    "algebra geometry arithmetic probability dice divisible divisor prime primes factorial logarithm cosine sine hypotenuse solve compute calculate "
    "irrational modulo ^ * frac sqrt",
    "science": "physics chemistry biology molecule molecules atom atoms electron oxidation enzyme enzymes photosynthesis dna rna protein proteins "
    "gravity velocity acceleration voltage planet planets galaxy quantum thermodynamics evolution bacteria virus sky",
    "reasoning": "puzzle riddle liar knights knaves deduce logically tradeoffs",
}
_COMMANDED: dict[Family, tuple[str, str]] = {
    "writing": (
        "write draft compose create generate craft make give suggest help rewrite rephrase paraphrase proofread summarize summarise translate "
        "brainstorm polish shorten",
        "poem poems haiku limerick sonnet lyrics essay email letter blog article speech toast slogan tagline headline tweet caption story stories "
        "description summary bullet names rewrite rephrase paraphrase proofread summarize summarise translate brainstorm polish shorten",
    ),
    "reasoning": (
        "plan compare decide recommend evaluate weigh design schedule",
        "trip itinerary budget options offers recommend pros step schedule plan strategy",
    ),
}
"""Verbs of a command, and what it is about."""
_MARKS: dict[Family, tuple[str, ...]] = {
    "code": ("```", "#include", "def ", "SELECT ", "</", "=>", "();"), "reasoning": ("in a row", "always lie", "always tell", "f all "),
}


def _set(words: str) -> frozenset[bytes]:
    return frozenset(word.encode() for word in words.split())


_CUES = [(family, _set(words)) for family, words in _WORDS.items()]
_COMMANDS = [(family, _set(verbs), _set(things)) for family, (verbs, things) in _COMMANDED.items()]


def cues(text: str, words: Sequence[bytes]) -> dict[Family, float]:
    """How strongly each family is named, 0 to 1; only those that are."""
    begun, looked_at, head = set(words[:COMMAND]), set(words[:BEGINNING]).union(words[-END:]), text[:MARKED]
    counts: dict[Family, int] = {}
    for family, known in _CUES:
        counts[family] = len(known & looked_at)
    for family, verbs, things in _COMMANDS:
        if not verbs.isdisjoint(begun):
            counts[family] = counts.get(family, 0) + len(things & looked_at)
    for family, marks in _MARKS.items():
        if any(mark in head for mark in marks):
            counts[family] += 2
    return {family: 1.0 - DOUBT**count for family, count in counts.items() if count}


_NAMES: dict[str, Family] = {
    "code": "code", "coding": "code", "programming": "code", "development": "code", "debugging": "code", "sql": "code",
    "code_generation": "code", "code_review": "code", "math": "math", "maths": "math", "mathematics": "math", "arithmetic": "math",
    "science": "science", "physics": "science", "chemistry": "science", "biology": "science", "engineering": "science",
    "knowledge": "knowledge", "qa": "knowledge", "question_answering": "knowledge", "factual": "knowledge", "trivia": "knowledge",
    "law": "knowledge", "medicine": "knowledge", "reasoning": "reasoning", "logic": "reasoning", "analysis": "reasoning",
    "planning": "reasoning", "writing": "writing", "creative": "writing", "creative_writing": "writing", "summarization": "writing",
    "summary": "writing", "summarize": "writing", "translation": "writing", "translate": "writing", "rewrite": "writing",
    "chat": "writing", "conversation": "writing", "tools": "tools", "tool_use": "tools", "tool": "tools",
    "function_calling": "tools", "agent": "tools", "agentic": "tools",
}  # fmt: skip


def named_family(metadata: Mapping[str, str]) -> Family | None:
    """The family that `metadata.task` names, by its own name or a common synonym."""
    given = metadata.get("task")
    return _NAMES.get(given.strip().lower().replace("-", "_").replace(" ", "_")) if given else None
