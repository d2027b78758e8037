"""`python -m services.supervisor up|down|status|env|logs`."""

import sys

# asyncio does without ssl, and so does the supervisor, which talks to loopback alone: 5 MB of 23.
sys.modules.setdefault("ssl", None)  # type: ignore[arg-type]

from services.supervisor.cli import main  # noqa: E402

sys.exit(main(sys.argv[1:]))
