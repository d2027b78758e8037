"""The routing policies of all workspaces, kept as KV has them."""

from libs.catalog.workspaces import View, Workspaces
from libs.routing.policy import Policy


class Policies:
    """Each workspace's policy, prepared once for each of its revisions."""

    def __init__(self) -> None:
        self.workspaces = Workspaces()
        self._prepared: dict[str, tuple[View, Policy]] = {}

    def of(self, workspace: str) -> Policy:
        """The policy in force; an empty one when the workspace has none."""
        view = self.workspaces.of(workspace)
        known = self._prepared.get(workspace)
        if known is None or known[0] is not view:
            known = self._prepared[workspace] = view, Policy(view.policy, view.revision, view.learned, view.tailor)
        return known[1]
