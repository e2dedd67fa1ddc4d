"""Records per second from the first push to the last arrival: everything on, against the bare loop."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import count

from bench import processes
from bench.contenders import bare_loop, fair_sample, rate
from bench.figure import Figure, ratio, told
from bench.installation import installation, prepare
from bench.options import Options

TARGET = 0.5
SAME = 0.9
"""What our bare loop must reach of the other one."""


async def measure(options: Options) -> list[Figure]:
    """Ratio to the bare loop, with the rates it comes from."""
    folder = options.below("end_to_end")
    records = options.scaled(40_000, 10_000)
    with ExitStack() as stack:
        contenders = {"bare": stack.enter_context(bare_loop(folder))}
        if options.check_bare is not None:
            contenders["other"] = stack.enter_context(bare_loop(folder, other=options.check_bare))
        sink = stack.enter_context(processes.sink(folder))
        ours = stack.enter_context(installation(folder / "formlane", sink))
        async with ours.hub() as hub:
            contenders["formlane"] = (await prepare(hub, ours.base_url, sink)).target
        starts = count(0, records)
        for target in contenders.values():
            await rate(target, records=records // 4, start=next(starts))
            fair_sample(target)
        rates: dict[str, list[float]] = {name: [] for name in contenders}
        for _ in range(options.rounds):
            for name, target in contenders.items():
                rates[name].append(await rate(target, records=records, start=next(starts)))
    figures = [
        ratio("end_to_end", rates["formlane"], rates["bare"], TARGET, note="of the bare loop's records/s"),
        told("end_to_end.formlane", rates["formlane"], "records/s"),
        told("end_to_end.bare", rates["bare"], "records/s"),
    ]
    if "other" in rates:
        figures.append(
            ratio("end_to_end.bare_is_fair", rates["bare"], rates["other"], SAME, note="of the other")
        )
    return figures
