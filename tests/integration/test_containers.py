"""The same parts on real servers in containers: a `nats` image and a `clickhouse/clickhouse-server` image, as compose names them.

Skipped, with the reason, where there is no Docker engine or the image is not there; nothing is pulled.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import docker
import nats
import pytest
from docker.errors import DockerException, ImageNotFound
from testcontainers.community.clickhouse import ClickHouseContainer
from testcontainers.community.nats import NatsContainer
from testcontainers.core.config import testcontainers_config

from libs.bus import topology
from libs.bus.claims import Claims
from libs.contracts import subjects
from libs.contracts.queries import SqlQuery
from services.recorder.settings import RecorderSettings
from services.recorder.store import open_store
from tests.recorder_process import attempt, request

# docker-py leaves the socket of a failed connection open.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
# The reaper is an image of its own, which is not there either; the `with` blocks below remove what they start.
testcontainers_config.ryuk_disabled = True
COMPOSE = (Path(__file__).parent.parent.parent / "docker-compose.yml").read_text()


def image(name: str) -> str:
    """The tag that compose pins for an image; skips the test where it cannot be run."""
    found = re.search(rf"image: ({name}:\S+)", COMPOSE)
    assert found
    tag = found.group(1)
    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if host.startswith("unix://") and not Path(host.removeprefix("unix://")).exists():
        pytest.skip(f"there is no Docker engine to run {tag} on")
    # With a fixed API version the client connects only when asked to, and can be closed when that fails.
    client = docker.DockerClient.from_env(version="1.41")
    try:
        client.ping()
        client.images.get(tag)
    except ImageNotFound:
        pytest.skip(f"the image {tag} is not on this machine; `docker pull {tag}` has the test run")
    except (DockerException, OSError) as error:
        pytest.skip(f"there is no Docker engine to run {tag} on: {type(error).__name__}")
    finally:
        client.close()
    return tag


@pytest.fixture
def clickhouse_url() -> Iterator[str]:
    with ClickHouseContainer(image("clickhouse/clickhouse-server"), username="tokenrouter", password="fake-password") as server:
        host, port = server.get_container_host_ip(), server.get_exposed_port(8123)
        yield f"http://tokenrouter:fake-password@{host}:{port}"


def test_schema_rows_and_views_on_a_clickhouse_server(clickhouse_url: str, tmp_path: Path) -> None:
    settings = RecorderSettings(home=str(tmp_path), clickhouse_url=clickhouse_url)
    for _ in range(2):  # the second start finds the schema applied
        store = open_store(settings)
        rows = [request(f"req_{number}") for number in range(100)]
        for _ in range(2):  # and every row comes twice
            store.insert("requests", [row.json for row in rows])
            store.insert("attempts", [attempt(f"req_{number}").json for number in range(100)])
        answer = b"".join(store.select(SqlQuery(sql="SELECT count(), uniqExact(request_id) FROM requests")))
        assert answer == b"100\t100\n"
        assert b"".join(store.select(SqlQuery(sql="SELECT count() FROM attempts"))) == b"100\n"
        store.close()


async def test_topology_and_claims_on_a_nats_server() -> None:
    with NatsContainer(image("nats"), jetstream=True) as server:
        connection = await nats.connect(server.nats_uri())
        js = connection.jetstream()
        for _ in range(2):
            await topology.declare(js)
        assert (await js.stream_info(subjects.LEDGER_STREAM)).config.discard == "new"
        claims = Claims(js)
        body = await claims.stow(b"x" * (2 << 20))
        assert await claims.fetch(body) == b"x" * (2 << 20)
        await connection.close()
