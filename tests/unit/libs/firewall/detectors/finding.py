"""What detectors find, through the engine that serves requests. Values are drawn from a fixed seed and put together here: none was ever real."""

import random
import string
from functools import cache

from libs.contracts.policies import FirewallRule, FirewallRules
from libs.firewall.ruleset import Active, RuleSet

UPPER, LOWER, DIGITS = string.ascii_uppercase, string.ascii_lowercase, string.digits
HEX = DIGITS + "abcdef"
ALNUM = UPPER + LOWER + DIGITS
URLSAFE = ALNUM + "-_"


def drawn(size: int, alphabet: str = ALNUM, seed: int = 1) -> str:
    """Letters and digits as chance has them; the last one is never a sign."""
    chance = random.Random(f"{size}{alphabet}{seed}")
    return "".join(chance.choices(alphabet, k=size - 1)) + chance.choice(
        HEX if alphabet == HEX else [char for char in alphabet if char.isalnum()]
    )


def uuid(seed: int = 1) -> str:
    return "-".join(drawn(size, HEX, seed + at) for at, size in enumerate((8, 4, 4, 4, 12)))


@cache
def ruleset(pattern: str) -> RuleSet:
    """One rule with these detectors or packs."""
    rule = FirewallRule(
        id=1,
        user_id=1,
        name=pattern,
        is_enabled=True,
        priority=0,
        scope="prompt",
        type="detector",
        pattern=pattern,
        action="mask",
        created_at="",
        updated_at="",
    )
    return RuleSet(FirewallRules(rules=[rule]), "prompt")


def engine(pattern: str) -> Active:
    return ruleset(pattern).active("", "", "")


def found(pattern: str, text: str) -> list[str]:
    """What the detectors or packs find in the text."""
    return [text[hit.start : hit.end] for hit in engine(pattern).scan(text)]
