"""Which topic a row of the training data belongs to, and to which family a topic."""

from libs.classifier.training.data import Row
from libs.contracts.reading import Family

FAMILY_OF: dict[str, Family] = {
    "computer_science": "science", "write_code": "code", "run_code": "code",
    "word_problems": "math", "competition_math": "math", "math": "math",
    "physics": "science", "chemistry": "science", "biology": "science", "engineering": "science", "graduate_science": "science",
    "basic_science": "science",
    "law": "knowledge", "health": "knowledge", "history": "knowledge", "economics": "knowledge", "business": "knowledge",
    "psychology": "knowledge", "philosophy": "knowledge", "trivia": "knowledge", "exam": "knowledge", "other": "knowledge",
    "logic_grid": "reasoning", "formal_logic": "reasoning", "pronouns": "reasoning", "continuation": "reasoning",
    "common_sense": "reasoning", "moral_scenarios": "reasoning",
    "open": "writing", "sentence": "writing",
}  # fmt: skip
"""Every topic that does not begin with `tools_`."""

_SAME = {
    "gsm8k": "word_problems", "grade-school-math": "word_problems", "agentverse-mgsm": "word_problems",
    "math_l5": "competition_math", "mbpp": "write_code", "human_eval": "write_code", "cruxeval": "run_code",
    "arc-challenge": "basic_science", "arc_challenge": "basic_science", "openbook_qa": "basic_science", "gpqa": "graduate_science",
    "natural_qa": "trivia", "trivia_qa": "trivia", "mmlu": "exam", "agentverse-logicgrid": "logic_grid", "winogrande": "pronouns",
    "hellaswag": "continuation", "commonsense_qa": "common_sense", "commongen": "sentence", "consensus_summary": "open",
    "abstract2title": "open", "bias_detection": "open",
}  # fmt: skip
# What a subject of MMLU has in its name; the first that fits.
_SUBJECTS = {
    "law": "law", "jurisprudence": "law", "moral_scenarios": "moral_scenarios", "biology": "biology", "genetics": "biology",
    "chemistry": "chemistry", "physics": "physics", "astronomy": "physics", "electrical_engineering": "engineering",
    "business_ethics": "business", "marketing": "business", "management": "business", "computer": "computer_science",
    "machine_learning": "computer_science", "statistics": "math", "mathematics": "math", "algebra": "math", "econo": "economics",
    "clinical": "health", "anatomy": "health", "medicine": "health", "nutrition": "health", "virology": "health", "aging": "health",
    "sexuality": "psychology", "psychology": "psychology", "sociology": "psychology", "moral_disputes": "philosophy",
    "philosophy": "philosophy", "formal_logic": "philosophy", "fallacies": "philosophy", "religions": "philosophy",
    "prehistory": "history", "history": "history", "government": "history", "us_foreign": "history", "security": "history",
}  # fmt: skip
_MMLU, _EASIER = "mmlu_", "school_"
"""MMLU has four options and asks for less than MMLU-Pro, which has ten."""
_ALONE = {
    "econometrics", "formal_logic", "global_facts", "high_school_psychology", "miscellaneous", "moral_disputes", "moral_scenarios", "prehistory",
    "professional_accounting", "professional_law", "professional_medicine", "professional_psychology",
}  # fmt: skip
_LEVELLED = {"math", "physics", "chemistry", "biology", "computer_science", "history", "economics"}


def topic_of(row: Row) -> str:
    suite, task = row["suite"], row["task"]
    if suite == "bfcl":
        return f"tools_{task}"
    if suite == "alpacaeval" or "chinese" in task.lower():
        return "open"
    if suite == "mmlupro":
        return str(task).replace(" ", "_")
    if suite == "llmrouter" and task == "math":
        return "competition_math"
    if task in _SAME:
        return _SAME[task]
    subject = task.removeprefix("mmlu:").removeprefix("mmlu-").replace("-", "_")
    return _MMLU + _of_subject(subject)


def family_of(topic: str) -> Family:
    if topic.startswith("tools_"):
        return "tools"
    plain = topic.removeprefix(_MMLU).removeprefix(_EASIER)
    return FAMILY_OF[plain] if plain in FAMILY_OF else FAMILY_OF[_subject(plain)]


def _of_subject(subject: str) -> str:
    """Subjects with many questions stand alone, those of schools apart from those of universities."""
    if subject in _ALONE:
        return subject
    topic = _subject(subject)
    return _EASIER + topic if topic in _LEVELLED and any(part in subject for part in ("high_school", "elementary", "conceptual")) else topic


def _subject(subject: str) -> str:
    return next((topic for part, topic in _SUBJECTS.items() if part in subject), "other")
