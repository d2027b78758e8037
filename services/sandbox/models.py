"""Which models the sandbox takes for known, and how fast each is."""

import re

from msgspec import Struct

OPENAI = re.compile(r"(gpt-[3-6][\w.:-]*|gpt-(oss|chat)-[\w.-]+|o[1-4](-[\w.-]+)?|chatgpt-[\w.-]+|codex-[\w.-]+)")
ANTHROPIC = re.compile(r"claude-(\d|v1|instant|haiku|sonnet|opus|fable|mythos)[\w.@-]*")
GEMINI = re.compile(r"gemini-(\d|flash|pro)[\w.-]*|gemma-\d[\w.-]*")
DEEPSEEK = re.compile(r"deepseek-(chat|reasoner|flash|pro|v\d[\w.-]*)")
MISTRAL = re.compile(r"(open-)?(mis|mix|magis|minis|codes|devs|pix|vox)tral-(tiny|small|medium|large|mini|nemo|saba|latest|\d)[\w.-]*")
OPENAI_LISTED = ("gpt-4.1", "gpt-4.1-mini", "gpt-4o", "gpt-4o-mini", "gpt-5", "gpt-5-mini", "o3", "o4-mini")
ANTHROPIC_LISTED = ("claude-haiku-4-5", "claude-opus-4-5", "claude-sonnet-4-5")
GEMINI_LISTED = ("gemini-2.5-flash", "gemini-2.5-pro", "gemini-3-flash-preview", "gemini-3.1-pro-preview")
DEEPSEEK_LISTED = ("deepseek-v4-flash", "deepseek-v4-pro")
MISTRAL_LISTED = ("mistral-small-latest", "mistral-large-latest", "magistral-medium-latest")

OPENAI_EMBEDDERS = {"text-embedding-3-small": 1536, "text-embedding-3-large": 3072, "text-embedding-ada-002": 1536}
"""Numbers in a vector."""
GEMINI_EMBEDDERS = {"gemini-embedding-001": 3072, "gemini-embedding-2": 3072}
MISTRAL_EMBEDDERS: dict[str, tuple[int, int | None]] = {
    "mistral-embed": (1024, None), "mistral-embed-2312": (1024, None), "codestral-embed": (1536, 3072), "codestral-embed-2505": (1536, 3072),
}
"""Numbers in a vector unless asked otherwise, and at most; None where they are as they are."""


class Pace(Struct, frozen=True):
    """Seconds until the first token, and between tokens."""

    first: float
    token: float

    def scaled(self, factor: float) -> "Pace":
        """`factor` times slower."""
        return Pace(self.first * factor, self.token * factor)


def pace(model: str) -> Pace:
    """As brisk as the model's family is in life, a little brisker for the large ones."""
    if re.search(r"nano|(?<!ge)mini|haiku|luna|3\.5|instant|flash|small", model):
        return Pace(0.20, 1 / 160)
    if re.search(r"opus|pro\b|mythos|^o\d|deep", model):
        return Pace(0.80, 1 / 55)
    return Pace(0.40, 1 / 90)
