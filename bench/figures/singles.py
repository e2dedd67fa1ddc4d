"""One record per request from 64 connections, against a route that stores nothing."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import count

from bench import processes
from bench.figure import Figure, ratio, told
from bench.installation import installation, prepare
from bench.options import Options
from bench.processes import Target, push

TARGET = 0.4
CONNECTIONS = 64


async def measure(options: Options) -> list[Figure]:
    """Acknowledged requests per second; the flow waits, so that intake alone is measured."""
    folder = options.below("singles")
    posts = options.scaled(12_000, 4_000)
    with ExitStack() as stack:
        sink = stack.enter_context(processes.sink(folder))
        port = processes.free_port()
        route = processes.uvicorn_arguments("bench.bare_route:app", port)
        stack.enter_context(processes.running(route, log=folder / "route.log", port=port))
        contenders = {"route": Target(url=f"http://127.0.0.1:{port}/push")}
        ours = stack.enter_context(installation(folder / "formlane", sink))
        async with ours.hub() as hub:
            made = await prepare(hub, ours.base_url, sink)
            await hub.flows.pause(made.tenant, made.flow)
        contenders["formlane"] = made.target
        starts = count(0, posts)
        rates: dict[str, list[float]] = {name: [] for name in contenders}
        waits: list[float] = []
        for number in range(options.rounds + 1):
            for name, target in contenders.items():
                sent = await push(target, records=posts, start=next(starts), size=1, connections=CONNECTIONS)
                if number:
                    rates[name].append(posts / (sent["answered_at"] - sent["began"]))
                    waits += [sent["p50"]] if name == "formlane" else []
    return [
        ratio("singles", rates["formlane"], rates["route"], TARGET, note="of an empty route's requests/s"),
        told("singles.formlane", rates["formlane"], "requests/s"),
        told("singles.route", rates["route"], "requests/s"),
        told("singles.p50", waits, "ms", note="until acknowledged"),
    ]
