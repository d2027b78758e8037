"""What routing rules exclude, held against a model. Pure."""

from fnmatch import fnmatchcase

from libs.catalog.models import Model
from libs.contracts.decisions import Ruling
from libs.contracts.models import glob_of


def against(model: Model, ruling: Ruling) -> str | None:
    """Why the rules do not want the model, with the rule; None when it may be chosen."""
    name = f"{model.provider}/{model.id}".lower()
    for glob in ruling.exclude:
        if fnmatchcase(name, glob_of(glob)):
            return f"excluded by {_rule_with(glob, ruling)}"
    return None


def _rule_with(glob: str, ruling: Ruling) -> str:
    for trace in ruling.matched:
        if isinstance(trace.action, dict) and glob in trace.action.get("exclude", ()):
            return f"routing rule {trace.rule_id} ('{trace.name}')"
    return "a routing rule"
