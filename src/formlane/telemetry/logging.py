"""Structured logs by allow-list: a field that is not listed here is not written.

Payload, settings and secrets have no field to travel in. Other libraries' lines come in as `event`
with their logger's name, from warning on.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import TextIO

import structlog

ALLOWED = frozenset(
    {
        "address",
        "attempt",
        "call",
        "code",
        "connection",
        "count",
        "duty",
        "environment",
        "error",
        "event",
        "exception",
        "flow",
        "kind",
        "lane",
        "level",
        "logger",
        "method",
        "milliseconds",
        "missing",
        "name",
        "outcome",
        "pid",
        "port",
        "process",
        "reason",
        "records",
        "release",
        "request_id",
        "route",
        "signal",
        "status",
        "tenant",
        "timestamp",
        "version",
    }
)
"""Every field that a line may have; `docs/operations/logs.md` explains them."""


def configure_logging(*, level: str, as_json: bool, process: str, stream: TextIO | None = None) -> None:
    """Sends all lines of this process to `stream` (default: standard error), one JSON object or text each."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _with_process(process),
        _only_allowed,
    ]
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer(sort_keys=True)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=stream or sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(number, logging.WARNING))


def _with_process(name: str) -> structlog.types.Processor:
    def add(_logger: object, _method: str, line: MutableMapping[str, object]) -> MutableMapping[str, object]:
        line["process"] = name
        return line

    return add


def _only_allowed(
    _logger: object, _method: str, line: MutableMapping[str, object]
) -> MutableMapping[str, object]:
    return {key: value for key, value in line.items() if key in ALLOWED or key.startswith("_")}
