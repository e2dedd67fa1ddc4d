"""pysnow against an instance: tables, queries, OAuth, errors. Arguments: host:port, CA file, JSON login."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable

host, authority, login = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
os.environ["REQUESTS_CA_BUNDLE"] = authority

import pysnow  # noqa: E402 - after the environment is set
import requests  # noqa: E402
from pysnow.exceptions import EmptyContent, MultipleResults, NoResults, TokenCreateError  # noqa: E402


def main() -> None:
    client = pysnow.Client(host=host, user=login["user"], password=login["password"])
    create_read_update_delete(client)
    query(client)
    stream(client)
    oauth()
    errors(client)
    import_set(client)
    sys.stdout.write("pysnow accepts the instance\n")


def create_read_update_delete(client: pysnow.Client) -> None:
    incidents = client.resource(api_path="/table/incident")
    created = incidents.create({"short_description": "Printer on fire", "urgency": 1, "bogus": "x"}).one()
    assert len(created["sys_id"]) == 32
    assert created["number"].startswith("INC")
    assert created["urgency"] == "1"
    assert "bogus" not in created

    updated = incidents.update(query={"number": created["number"]}, payload={"state": "2"}).one()
    assert (updated["state"], updated["sys_mod_count"]) == ("2", "1")
    assert updated["short_description"] == "Printer on fire"

    assert incidents.delete(query={"sys_id": created["sys_id"]}) == {"status": "record deleted"}
    assert incidents.get(query={"sys_id": created["sys_id"]}).one_or_none() is None
    raises(NoResults, lambda: incidents.get(query={"number": "none"}).one())


def query(client: pysnow.Client) -> None:
    problems = client.resource(api_path="/table/problem")
    for number in range(6):
        problems.create({"short_description": f"Case {number}", "priority": str(number % 3 + 1)})
    raises(MultipleResults, lambda: problems.get(query={"priority": "1"}).one())

    both = (
        pysnow.QueryBuilder()
        .field("short_description").starts_with("Case")
        .AND().field("priority").equals(["1", "2"])
        .AND().field("short_description").order_descending()
    )  # fmt: skip
    found = problems.get(query=both, fields=["short_description", "opened_by.user_name"]).all()
    assert [one["short_description"] for one in found] == ["Case 4", "Case 3", "Case 1", "Case 0"]
    assert {one["opened_by.user_name"] for one in found} == {login["user"]}

    either = pysnow.QueryBuilder().field("short_description").contains("5").OR().field("priority").equals("3")
    assert len(problems.get(query=either).all()) == 2
    between = pysnow.QueryBuilder().field("priority").between(2, 3)
    assert len(problems.get(query=between).all()) == 4

    page = problems.get(limit=2, offset=2)
    assert len(page.all()) == 2
    assert page.headers["x-total-count"] == "6"
    assert 'rel="next"' in page.headers["link"]

    problems.parameters.display_value = True
    shown = problems.get(query={"short_description": "Case 0"}).one()
    assert shown["priority"] == "1 - Critical"
    assert shown["opened_by"]["display_value"]
    problems.parameters.exclude_reference_link = True
    assert isinstance(problems.get(query={"short_description": "Case 0"}).one()["opened_by"], str)


def stream(client: pysnow.Client) -> None:
    problems = client.resource(api_path="/table/problem")
    assert len(list(problems.get(stream=True).all())) == 6
    assert problems.get(query={"short_description": "Case 1"}, stream=True).first()["priority"] == "2"


def oauth() -> None:
    kept: list[object] = []
    client = pysnow.OAuthClient(
        client_id=login["client_id"],
        client_secret=login["client_secret"],
        token_updater=kept.append,
        host=host,
    )
    raises(TokenCreateError, lambda: client.generate_token(login["user"], "wrong"))
    token = client.generate_token(login["user"], login["password"])
    assert 0 < token["expires_in"] <= 1800
    again = client.generate_token(login["user"], login["password"])
    assert again["access_token"] == token["access_token"]
    assert again["expires_in"] <= token["expires_in"]

    client.set_token(token)
    assert client.resource(api_path="/table/sys_user").get(limit=1).all()

    control("tokens/expire")
    client.set_token({**token, "expires_at": time.time() - 1})
    assert client.resource(api_path="/table/sys_user").get(limit=1).all()
    assert len(kept) == 1
    assert kept[0]["access_token"] != token["access_token"]
    assert kept[0]["refresh_token"] == token["refresh_token"]


def errors(client: pysnow.Client) -> None:
    incidents = client.resource(api_path="/table/incident")
    assert status_of(lambda: client.resource(api_path="/table/u_none").get().all()) == 400
    stranger = pysnow.Client(host=host, user=login["user"], password="wrong")
    assert status_of(lambda: stranger.resource(api_path="/table/incident").get().all()) == 401
    for name, status in (
        ("business_rule", 403),
        ("rate_limit", 429),
        ("cancelled", 500),
        ("maintenance", 503),
    ):
        arm(name)
        assert status_of(lambda: incidents.get().all()) == status, name
    arm("queued")
    raises(EmptyContent, lambda: incidents.get().all())
    arm("unauthenticated")
    assert status_of(lambda: incidents.get().all()) == 401
    incidents.create({"short_description": "One row"})
    arm("list_cancelled")
    assert len(incidents.get().all()) == 1  # this client does not look at the trailing error
    arm("hibernating")
    raises(requests.exceptions.JSONDecodeError, lambda: incidents.get().all())


def import_set(client: pysnow.Client) -> None:
    users = client.resource(base_path="/api/now", api_path="/import/imp_user")
    for expected in ("inserted", "ignored"):
        answer = users.create({"u_user_id": "ada", "u_first_name": "Ada"}).one()
        assert answer["status"] == expected


def status_of(work: Callable[[], object]) -> int:
    return raises(requests.HTTPError, work).response.status_code


def raises(kind: type[Exception], work: Callable[[], object]) -> Exception:
    try:
        work()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")


def arm(name: str) -> None:
    fault = {"kind": "named", "name": name, "times": 1, "path": "/api/*"}
    requests.post(f"https://{host}/_control/faults", json=fault, timeout=10).raise_for_status()


def control(action: str) -> None:
    requests.post(f"https://{host}/_control/{action}", timeout=10).raise_for_status()


main()
