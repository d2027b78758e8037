"""Connections to providers, pooled and kept alive."""

import aiohttp


def session() -> aiohttp.ClientSession:
    """A session without cookies, redirects or a limit of its own: the deadline and the rules limit what runs."""
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60.0, ttl_dns_cache=30)
    return aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False, read_bufsize=1 << 18, trust_env=False,
        skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent"),
    )
