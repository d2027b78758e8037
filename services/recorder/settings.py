"""What the recorder can be told from the environment."""

from pathlib import Path

from libs.bus.settings import BusSettings


class RecorderSettings(BusSettings, frozen=True, kw_only=True):
    """Bus settings, and where the rows go."""

    clickhouse_url: str = ""
    """`http(s)://user:password@host:port` of a ClickHouse server; empty: the embedded engine under `home`."""
    record_interval: float = 1.5
    """Least seconds between two inserts of a table; a row that comes after a pause is inserted at once. An insert costs about
    15 ms of CPU and a row 30 µs, so with three tables and 1,000 requests a second this is 0.12 cores, half the interval 0.15."""
    query_seconds: int = 30
    """A query that takes longer is stopped."""
    query_rows: int = 1_000_000
    """A result with more rows is refused."""
    query_result_bytes: int = 64 << 20
    """A result with more bytes is refused."""
    query_memory_bytes: int = 128 << 20
    """What one query may use; sorting and grouping go to disk at half of it."""
    learning_interval: float = 3600.0
    """Seconds between two looks at the feedback of the workspaces whose routing policy has `learning` on; 0 for never."""

    @property
    def embedded_path(self) -> Path:
        """Folder of the embedded engine's data."""
        return Path(self.home) / "clickhouse"
