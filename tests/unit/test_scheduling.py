"""How tests are spread over workers."""

from pathlib import Path

from tests.scheduling import GROUPS, LONGEST_FIRST, group_of, in_order

ROOT = Path(__file__).parent.parent.parent


def test_modules_that_share_a_stack_are_one_group_and_others_their_own() -> None:
    assert group_of("tests/e2e/test_rules.py::test_a") == group_of("tests/e2e/test_sdk.py::test_b[x::y]")
    assert group_of("tests/e2e/clients/test_openai.py::test_a") == group_of("tests/e2e/clients/test_langchain.py::test_a")
    assert group_of("tests/e2e/test_faults.py::test_a") == "tests/e2e/test_faults.py"


def test_long_groups_come_first_each_in_one_piece_and_otherwise_as_they_were() -> None:
    drawn = [
        "tests/unit/b.py::test_2", "tests/e2e/test_rules.py::test_1", "tests/unit/a.py::test_1", "tests/integration/test_bus.py::test_1",
        "tests/e2e/test_sdk.py::test_1", "tests/unit/b.py::test_1", "tests/e2e/test_faults.py::test_1", "tests/e2e/test_rules.py::test_2",
    ]
    assert in_order(drawn) == [
        "tests/e2e/test_faults.py::test_1", "tests/e2e/test_rules.py::test_1", "tests/e2e/test_sdk.py::test_1", "tests/e2e/test_rules.py::test_2",
        "tests/integration/test_bus.py::test_1", "tests/unit/b.py::test_2", "tests/unit/b.py::test_1", "tests/unit/a.py::test_1",
    ]


def test_what_is_named_is_there() -> None:
    for beginning in [*GROUPS, *LONGEST_FIRST]:
        assert list(ROOT.glob(f"{beginning}*")), beginning
