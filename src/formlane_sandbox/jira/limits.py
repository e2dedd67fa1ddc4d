"""Rate limits: bursts, writes to one issue, points an hour, and Data Center's buckets.

Source: Jira Cloud platform, "Rate limiting"; Jira Data Center, "Improving instance stability with rate
limiting".
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime

from formlane_sandbox.clock import Clock
from formlane_sandbox.jira.issues import Issue
from formlane_sandbox.jira.settings import Burst, JiraSettings, NodeBucket

_NEAR = 0.2
_HOUR = 3600
_POLICY = "global-app-quota"

Headers = dict[str, str]


@dataclass(slots=True)
class Bucket:
    """Tokens that come back with time."""

    most: float
    rate: float
    tokens: float
    at: float

    def take(self, now: float) -> bool:
        """Whether there was one."""
        self.tokens = min(self.most, self.tokens + max(0.0, now - self.at) * self.rate)
        self.at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True

    def wait(self) -> float:
        """Seconds until there is one."""
        return max(0.0, (1 - self.tokens) / self.rate)


@dataclass(slots=True)
class Verdict:
    """`refused` names the limit that was met; headers go on the answer either way."""

    refused: str = ""
    headers: Headers = field(default_factory=dict)


class Limiter:
    """Counts of the whole site."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[tuple[str, str], Bucket] = {}
        self._points: dict[str, tuple[int, int]] = {}

    def clear(self) -> None:
        """Start anew."""
        self._buckets.clear()
        self._points.clear()

    def judge(self, settings: JiraSettings, *, method: str, route: str, app: str, user: str) -> Verdict:
        """Count a request of this user, and of the OAuth client `app`, to an endpoint."""
        if not settings.cloud:
            return self._node(settings.limits.node, user) if user else Verdict()
        verdict = Verdict()
        if app:
            self._quota(settings, app, verdict)
        if not verdict.refused and settings.limits.burst is not None:
            self._burst(settings.limits.burst, method, route, verdict)
        return verdict

    def write(self, settings: JiraSettings, issue: Issue) -> Verdict:
        """Count a write to one issue."""
        now, limits = self._clock.time(), settings.limits
        issue.writes = [moment for moment in issue.writes if moment > now - 30]
        recent = sum(moment > now - 2 for moment in issue.writes)
        for there, most, seconds in (
            (recent, limits.issue_writes_2s, 2),
            (len(issue.writes), limits.issue_writes_30s, 30),
        ):
            if there >= most:
                return Verdict(
                    "jira-per-issue-on-write", self.refusal("jira-per-issue-on-write", seconds, most)
                )
        issue.writes.append(now)
        return Verdict()

    def charge(self, app: str, points: int) -> None:
        """Count what a request of an OAuth client cost."""
        hour = int(self._clock.time()) // _HOUR
        known, used = self._points.get(app, (hour, 0))
        self._points[app] = (hour, points + (used if known == hour else 0))

    def used(self, app: str) -> int:
        """Points of this clock hour."""
        hour, used = self._points.get(app, (0, 0))
        return used if hour == int(self._clock.time()) // _HOUR else 0

    def refusal(self, reason: str, seconds: float | None, limit: int) -> Headers:
        """The headers of a 429; without `seconds` no Retry-After."""
        headers = {
            "x-ratelimit-limit": str(limit),
            "x-ratelimit-remaining": "0",
            "ratelimit-reason": reason,
        }
        if seconds is not None:
            headers["retry-after"] = str(max(1, math.ceil(seconds)))
            until = datetime.fromtimestamp(self._clock.time() + max(1, math.ceil(seconds)), UTC)
            headers["x-ratelimit-reset"] = f"{until:%Y-%m-%dT%H:%M:%SZ}"
        return headers

    def _quota(self, settings: JiraSettings, app: str, verdict: Verdict) -> None:
        limits, used = settings.limits, self.used(app)
        left = _HOUR - int(self._clock.time()) % _HOUR
        prefix = "" if limits.points_enforced else "beta-"
        verdict.headers[f"{prefix}ratelimit-policy"] = f'"{_POLICY}";q={limits.points};w={_HOUR}'
        remaining = max(0, limits.points - used)
        if remaining < limits.points * _NEAR:
            verdict.headers[f"{prefix}ratelimit"] = f'"{_POLICY}";r={remaining};t={left}'
            verdict.headers["x-ratelimit-nearlimit"] = "true"
        if used >= limits.points and limits.points_enforced:
            verdict.refused = limits.points_reason
            verdict.headers.update(self.refusal(verdict.refused, left, limits.points))

    def _burst(self, burst: Burst, method: str, route: str, verdict: Verdict) -> None:
        rates = {"POST": burst.post, "PUT": burst.put, "DELETE": burst.delete}
        rate = burst.get_issue if (method, route) == ("GET", "issue/*") else rates.get(method, burst.get)
        bucket = self._bucket(f"{method} {route}", "", rate, rate)
        if not bucket.take(self._clock.time()):
            verdict.refused = "jira-burst-based"
            verdict.headers.update(self.refusal(verdict.refused, bucket.wait(), rate))
            return
        verdict.headers["x-ratelimit-limit"] = str(rate)
        verdict.headers["x-ratelimit-remaining"] = str(int(bucket.tokens))
        if bucket.tokens < rate * _NEAR:
            verdict.headers["x-ratelimit-nearlimit"] = "true"

    def _node(self, node: NodeBucket | None, user: str) -> Verdict:
        if node is None:
            return Verdict()
        bucket = self._bucket("node", user, node.most, node.fill / node.interval)
        taken = bucket.take(self._clock.time())
        headers = {
            "x-ratelimit-limit": str(node.most),
            "x-ratelimit-remaining": str(int(bucket.tokens)),
            "x-ratelimit-fillrate": str(node.fill),
            "x-ratelimit-interval-seconds": f"{node.interval:g}",
            "retry-after": "0" if taken else str(max(1, math.ceil(bucket.wait()))),
        }
        return Verdict("" if taken else "node", headers)

    def _bucket(self, name: str, user: str, most: float, rate: float) -> Bucket:
        bucket = self._buckets.get((name, user))
        if bucket is None or (bucket.most, bucket.rate) != (most, rate):
            bucket = self._buckets[name, user] = Bucket(most, rate, most, self._clock.time())
        return bucket
