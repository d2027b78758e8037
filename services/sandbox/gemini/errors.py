"""Writes Gemini's errors.

https://ai.google.dev/gemini-api/docs/troubleshooting, https://cloud.google.com/apis/design/errors
"""

from typing import Any

from services.sandbox.asked import Problem

_STATUSES = {
    401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL",
    503: "UNAVAILABLE", 529: "UNAVAILABLE",
}  # fmt: skip
_RPC = "type.googleapis.com/google.rpc."


def error(problem: Problem) -> dict[str, Any]:
    """The body of an HTTP error."""
    said = {"code": problem.status, "message": problem.message, "status": _STATUSES.get(problem.status, "INVALID_ARGUMENT")}
    details = _details(problem)
    return {"error": said | {"details": details} if details else said}


def headers(status: int) -> dict[str, str]:
    """Of every reply. When to try again stands in the body."""
    return {"server-timing": "gfet4t7; dur=42"}


def _details(problem: Problem) -> list[dict[str, Any]]:
    if problem.details:
        violations = [{"field": field, "description": description} for field, description in problem.details]
        # What is wrong with the whole body has no field.
        return [{"@type": f"{_RPC}BadRequest", "fieldViolations": [{k: v for k, v in one.items() if v} for one in violations]}]
    if problem.status == 429:
        metric = "generativelanguage.googleapis.com/generate_content_requests"
        quota = {"quotaMetric": metric, "quotaId": "GenerateRequestsPerMinutePerProject"}
        return [
            {"@type": f"{_RPC}QuotaFailure", "violations": [quota]},
            {"@type": f"{_RPC}RetryInfo", "retryDelay": "1s"},
        ]
    return []
