from __future__ import annotations

import copy
import json
import logging
import pickle
import traceback
from dataclasses import asdict, dataclass

import orjson
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from formlane.domain.ids import MAX_CELL
from formlane.domain.secrets import (
    BASE62,
    KeyMode,
    Secret,
    form_key_cell,
    form_key_hash,
    new_api_key,
    new_form_key,
    parse_api_key,
    secret_hash,
    secret_matches,
)
from formlane.errors import NotAuthenticated, NotFound

MARKER = "canary-7f3a91c0-never-print-me"


@dataclass(frozen=True, slots=True)
class Credentials:
    user: str
    password: Secret


def _every_way_out(secret: Secret) -> dict[str, str]:
    holder = Credentials("alice", secret)
    return {
        "repr": repr(secret),
        "str": str(secret),
        "format": format(secret),
        "padded": format(secret, ">10"),
        "f-string": f"{secret} {secret!r} {secret!s} {secret!a}",
        "percent": "%s %r" % (secret, secret),  # noqa: UP031 - one of the ways out
        "str.format": "{} {!r}".format(secret, secret),  # noqa: UP032 - one of the ways out
        "dataclass": repr(holder),
        "asdict": repr(asdict(holder)),
        "list": repr([secret, (secret,), {"password": secret}]),
        "json": json.dumps({"password": secret}, default=str),
        "orjson": orjson.dumps({"password": secret}, default=str).decode(),
        "pickle": pickle.dumps(holder).decode("latin-1"),
        "unpickled": str(pickle.loads(pickle.dumps(secret))),
        "dir": " ".join(dir(secret)),
        "exception": repr(ValueError(secret)) + str(ValueError(secret)),
    }


def test_no_way_out_shows_the_secret() -> None:
    shown = _every_way_out(Secret(MARKER))
    assert {way for way, text in shown.items() if MARKER in text} == set()
    assert {way for way, text in shown.items() if "***" not in text} == {"dir"}


def test_the_canary_would_be_seen_if_it_leaked() -> None:
    shown = _every_way_out(MARKER)  # type: ignore[arg-type] # control: a bare text
    assert {way for way, text in shown.items() if MARKER in text} >= {"repr", "f-string", "json", "dataclass"}


def test_plain_json_refuses_a_secret() -> None:
    with pytest.raises(TypeError):
        json.dumps(Secret(MARKER))
    with pytest.raises(TypeError):
        orjson.dumps(Secret(MARKER))
    with pytest.raises(TypeError):
        vars(Secret(MARKER))


def test_tracebacks_with_locals_do_not_show_it() -> None:
    secret = Secret(MARKER)
    try:
        raise ValueError(f"login with {secret} failed")
    except ValueError as failure:
        text = "".join(traceback.TracebackException.from_exception(failure, capture_locals=True).format())
    assert MARKER not in text.replace(f"MARKER = {MARKER!r}", "")
    assert "secret = ***" in text


def test_logs_do_not_show_it(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        logging.getLogger("vault").info("opened %s %r", Secret(MARKER), {"p": Secret(MARKER)})
    assert "***" in caplog.text
    assert MARKER not in caplog.text
    rendered = structlog.processors.JSONRenderer()(None, "", {"event": "opened", "secret": Secret(MARKER)})
    assert MARKER not in str(rendered)


def test_copies_keep_it_and_equality_compares_it() -> None:
    secret = Secret(MARKER)
    assert copy.copy(secret).reveal() == copy.deepcopy({"s": secret})["s"].reveal() == MARKER
    assert secret == Secret(MARKER)
    assert secret != Secret(MARKER + "x")
    assert secret != MARKER
    assert len({secret, Secret(MARKER)}) == 1
    assert bool(secret)
    assert not Secret("")
    assert Secret("\ud800") == Secret("\ud800")


def test_only_long_secrets_give_a_hint() -> None:
    assert Secret("x" * 16 + "abcd").hint() == "***abcd"
    assert Secret("x" * 15 + "abcd").hint() == "***"


@given(st.sampled_from(KeyMode), st.integers(0, MAX_CELL))
def test_api_keys_come_back(mode: KeyMode, cell: int) -> None:
    key = new_api_key(mode, cell)
    text = key.text().reveal()
    assert text.startswith(f"fl_{mode}_")
    assert len(text) == 57
    assert parse_api_key(text) == key
    assert key.secret.reveal() not in repr(key)


@given(st.data())
def test_any_one_wrong_character_is_refused_without_a_look_up(data: st.DataObject) -> None:
    text = new_api_key(KeyMode.LIVE, 5).text().reveal()
    place = data.draw(st.integers(0, len(text) - 1))
    wrong = data.draw(st.sampled_from(BASE62 + "_-é\n"))
    changed = text[:place] + wrong + text[place + 1 :]
    if changed == text:
        return
    with pytest.raises(NotAuthenticated) as caught:
        parse_api_key(changed)
    assert changed[20:40] not in str(caught.value)


@pytest.mark.parametrize("text", ["", "fl_live_", "fl_prod_" + "a" * 49, "x" * 100_000])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(NotAuthenticated, match="not an API key"):
        parse_api_key(text)


def test_a_key_cut_off_or_prolonged_is_refused() -> None:
    text = new_api_key(KeyMode.TEST, 5).text().reveal()
    for wrong in (text[:-1], text + "a", text + "\n", " " + text):
        with pytest.raises(NotAuthenticated):
            parse_api_key(wrong)


def test_only_the_hash_of_a_key_is_needed_to_check_it() -> None:
    key = new_api_key(KeyMode.LIVE, 1)
    stored = secret_hash(key.secret)
    assert len(stored) == 32
    assert secret_matches(parse_api_key(key.text().reveal()).secret, stored)
    assert not secret_matches(new_api_key(KeyMode.LIVE, 1).secret, stored)


def test_api_keys_do_not_repeat_and_use_the_whole_alphabet() -> None:
    keys = [new_api_key(KeyMode.LIVE, 1) for _ in range(500)]
    assert len({key.name for key in keys}) == len({key.secret for key in keys}) == 500
    assert set("".join(key.secret.reveal() for key in keys)) == set(BASE62)


@given(st.integers(0, MAX_CELL))
def test_form_keys_carry_their_cell(cell: int) -> None:
    key = new_form_key(cell)
    assert len(key) == 27
    assert form_key_cell(key) == cell
    assert form_key_hash(key) != form_key_hash(new_form_key(cell))


@pytest.mark.parametrize(
    "text", ["", "ff_", "ff_" + "a" * 23, "ff_" + "a" * 25, "fx_" + "a" * 24, "ff_" + "é" * 24]
)
def test_what_is_no_form_key_is_not_found(text: str) -> None:
    with pytest.raises(NotFound):
        form_key_cell(text)


@pytest.mark.parametrize("cell", [-1, MAX_CELL + 1])
def test_keys_refuse_cells_they_cannot_carry(cell: int) -> None:
    with pytest.raises(ValueError, match="cells 0 to 3843"):
        new_api_key(KeyMode.LIVE, cell)
    with pytest.raises(ValueError, match="cells 0 to 3843"):
        new_form_key(cell)
