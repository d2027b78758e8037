"""How the router wraps rules, and what is left out of a body."""

from typing import Any, Generic, TypeVar

from openai import BaseModel, Omit

from tokenrouter_sdk.types.rules import Rule

RuleT = TypeVar("RuleT", bound=Rule)


class One(BaseModel, Generic[RuleT]):
    data: RuleT


class Many(BaseModel, Generic[RuleT]):
    data: list[RuleT]


def given(**fields: object) -> dict[str, Any]:
    """The fields that the caller gave; None is a value."""
    return {name: value for name, value in fields.items() if not isinstance(value, Omit)}
