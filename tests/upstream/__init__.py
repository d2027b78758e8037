"""A scripted provider on loopback, for what a well-behaved one never does: errors, cuts, stalls. Speaks every dialect.

What it does is decided by the test, call by call; without a script it answers with the sandbox's kind of text.
"""

from tests.upstream.behaviour import Behaviour, Call
from tests.upstream.server import Upstream

__all__ = ["Behaviour", "Call", "Upstream"]
