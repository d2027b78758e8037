"""How many requests each weighted split of this router has sent on their way."""

import random
from collections import OrderedDict
from collections.abc import Callable

MOST_SPLITS = 100_000
"""More rules than any installation has; the one that was used least lately is forgotten and begins anew."""
STARTS = 1 << 20


class Turns:
    """Each router counts for itself: what is exact in each is exact in all together. They begin at different places, or the first
    requests after a start of all of them would go the same way."""

    def __init__(self, start: Callable[[int], int] = random.randrange) -> None:
        self._start = start
        self._counts: OrderedDict[tuple[str, str], int] = OrderedDict()

    def of(self, workspace: str, split: str) -> int:
        """The number of the next request."""
        key = workspace, split
        count = self._counts.get(key)
        if count is None:
            count = self._counts[key] = self._start(STARTS)
            if len(self._counts) > MOST_SPLITS:
                self._counts.popitem(last=False)
        return count

    def advance(self, workspace: str, split: str) -> None:
        """That request is on its way."""
        self._counts[workspace, split] = self.of(workspace, split) + 1
        self._counts.move_to_end((workspace, split))
