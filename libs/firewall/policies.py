"""Every workspace's firewall rules, compiled, in memory; the last good ones stay in force."""

from collections.abc import Iterable

import msgspec

from libs.contracts.policies import FirewallRule, FirewallRules, Scope
from libs.firewall.ruleset import HOLD_BACK, RuleSet

_decode = msgspec.json.Decoder(FirewallRules).decode


class RulesGone(Exception):
    """A workspace's rule set was removed. Every workspace has one, if only an empty one, so this is a loss and not a wish."""


class Policy:
    """A workspace's rules of some scopes. Raises ValueError or re2.error when one does not compile."""

    def __init__(self, rules: FirewallRules, revision: int, scopes: Iterable[Scope], hold_back: int = HOLD_BACK) -> None:
        self.rules, self.revision, self.salt = rules, revision, rules.salt
        self._sets = {scope: RuleSet(rules, scope, hold_back=hold_back) for scope in scopes}

    def __len__(self) -> int:
        return sum(map(len, self._sets.values()))

    def of(self, scope: Scope) -> RuleSet:
        return self._sets[scope]

    def drafted(self, drafts: list[FirewallRule], *, on_top: bool, scopes: Iterable[Scope]) -> "Policy":
        """The policy with draft rules in place of its own, or on top of them: then a draft takes the place of the rule with its id."""
        kept = [rule for rule in self.rules.rules if rule.id not in {draft.id for draft in drafts}] if on_top else []
        return Policy(FirewallRules(rules=[*kept, *drafts], salt=self.salt), 0, scopes)


class Policies:
    """By workspace; `apply` is what a watch of the policies' bucket calls."""

    def __init__(self, *scopes: Scope, hold_back: int = HOLD_BACK) -> None:
        """`hold_back`: characters that a stream holds back for rules whose matches have no bound."""
        self._scopes, self._hold_back = scopes, hold_back
        self._policies: dict[str, Policy] = {}

    def apply(self, key: str, value: bytes | None, revision: int) -> None:
        """Take a workspace's rules from KV; better in a thread, since a thousand rules take 80 ms to compile. Raising leaves the last good
        ones in force."""
        workspace = key.partition(".")[2]
        if value is None:
            raise RulesGone(f"the firewall rules of workspace '{workspace}' were removed")
        self._policies[workspace] = Policy(_decode(value), revision, self._scopes, self._hold_back)

    def of(self, workspace: str) -> Policy | None:
        """The rules in force; None when there never were any, so that nothing may pass."""
        return self._policies.get(workspace)
