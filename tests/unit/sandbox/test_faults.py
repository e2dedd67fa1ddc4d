"""Which request meets which fault."""

from __future__ import annotations

import msgspec
import pytest

from formlane_sandbox.faults import Fault, Faults, Kind


def hits(faults: Faults, number: int, *, method: str = "POST", path: str = "/hook/a") -> list[bool]:
    return [faults.take(method, path) is not None for _ in range(number)]


def test_times_counts_and_the_rest_passes() -> None:
    faults = Faults()
    faults.arm(Fault(kind=Kind.STATUS, times=2))

    assert hits(faults, 4) == [True, True, False, False]
    assert [(item["fired"], item["spent"]) for item in faults.listing()] == [(2, True)]


def test_without_times_it_lasts_until_cleared() -> None:
    faults = Faults()
    number = faults.arm(Fault(kind=Kind.RESET))

    assert all(hits(faults, 50))
    assert faults.clear(number)
    assert not any(hits(faults, 3))
    assert not faults.clear(number)


def test_skip_lets_the_first_pass() -> None:
    faults = Faults()
    faults.arm(Fault(kind=Kind.STATUS, skip=2, times=1))

    assert hits(faults, 4) == [False, False, True, False]


def test_method_and_path_select() -> None:
    faults = Faults()
    faults.arm(Fault(kind=Kind.STATUS, method="POST", path="/hook/a*", times=1))

    assert not any(hits(faults, 1, method="PUT"))
    assert not any(hits(faults, 1, path="/hook/b"))
    assert hits(faults, 2, path="/hook/abc") == [True, False]


def test_share_is_reproducible_and_about_right() -> None:
    def drawn(seed: int) -> list[bool]:
        faults = Faults()
        faults.arm(Fault(kind=Kind.TIMEOUT, share=0.2, seed=seed))
        return hits(faults, 1000)

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    assert 150 < sum(drawn(1)) < 250


def test_the_first_armed_wins_and_the_next_follows() -> None:
    faults = Faults()
    faults.arm(Fault(kind=Kind.STATUS, status=429, times=1))
    faults.arm(Fault(kind=Kind.STATUS, status=503, times=1))
    met = [faults.take("POST", "/") for _ in range(3)]

    assert [fault.status if fault else None for fault in met] == [429, 503, None]


def test_named_faults_are_the_simulators_own() -> None:
    faults = Faults()
    faults.arm(Fault(kind=Kind.NAMED, name="lock", times=1, detail={"rows": 2}))

    assert faults.take("POST", "/") is None
    assert faults.named("other") is None
    found = faults.named("lock")
    assert found is not None
    assert found.detail == {"rows": 2}
    assert faults.named("lock") is None


@pytest.mark.parametrize(
    "document",
    [
        b'{"kind":"nothing"}',
        b'{"kind":"status","times":0}',
        b'{"kind":"status","share":2}',
        b'{"kind":"raw","x":1}',
    ],
)
def test_a_wrong_fault_is_refused(document: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(document, type=Fault)
