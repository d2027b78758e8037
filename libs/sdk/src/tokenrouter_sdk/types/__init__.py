"""What the router's own endpoints take and return. Unknown fields are kept, as in openai's models."""

from tokenrouter_sdk.types.feedback import Feedback
from tokenrouter_sdk.types.logs import AsyncLogPage, Attempt, Hop, LogEntry, LogPage, LogRecord, Tokens
from tokenrouter_sdk.types.preview import Choice, FirewallPreview, Preview, PreviewRequest, Route, Screened
from tokenrouter_sdk.types.routing import Candidate, Condition, Excluded, Hit, Notice, Reading, Routing, RuleTrace, ScoredBy
from tokenrouter_sdk.types.rules import Action, Deleted, FirewallAction, FirewallRule, FirewallScope, FirewallType, Match, RoutingRule

__all__ = [
    "Action",
    "AsyncLogPage",
    "Attempt",
    "Candidate",
    "Choice",
    "Condition",
    "Deleted",
    "Excluded",
    "Feedback",
    "FirewallAction",
    "FirewallPreview",
    "FirewallRule",
    "FirewallScope",
    "FirewallType",
    "Hit",
    "Hop",
    "LogEntry",
    "LogPage",
    "LogRecord",
    "Match",
    "Notice",
    "Preview",
    "PreviewRequest",
    "Reading",
    "Route",
    "Routing",
    "RoutingRule",
    "RuleTrace",
    "ScoredBy",
    "Screened",
    "Tokens",
]
