"""How property tests run, wherever they are, and how tests are spread over workers."""

from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.scheduling import Scheduling, in_order

# A busy machine draws examples slowly and runs them slowly; neither is a defect of what is tested.
settings.register_profile("tokenrouter", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tokenrouter")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    return Scheduling(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In a worker only: a run in one process keeps its order, which pytest-randomly has drawn."""
    if not hasattr(config, "workerinput"):
        return
    by_id = {item.nodeid: item for item in items}
    items[:] = [by_id[nodeid] for nodeid in in_order(by_id)]
