"""What is sent: a prompt of about 2 KB, plain and streamed."""

import msgspec

_SENTENCE = "The quarterly report of region {0} lists {1} orders, of which {2} were late because of weather on route {0}. "
PROMPT = "Sum up in one sentence: " + "".join(_SENTENCE.format(n, n * 37 % 1000, n * 11 % 90) for n in range(18))


def request(model: str, *, stream: bool, store: bool = True) -> bytes:
    """The JSON body of a request with metadata, as a client would send it: what is stored by default is not asked for."""
    body = {"model": model, "input": PROMPT, "metadata": {"team": "bench", "tier": "gold"}}
    return msgspec.json.encode(body | ({"stream": True} if stream else {}) | ({} if store else {"store": False}))
