"""A Jira site over HTTP: addresses, log-in, discovery, and what every answer has."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import pytest

from formlane_sandbox.clock import Clock
from formlane_sandbox.faults import Fault, Kind
from formlane_sandbox.jira.adf import text_document
from formlane_sandbox.jira.settings import (
    API_TOKEN,
    CLOUD_ID,
    EMAIL,
    PERSONAL_TOKEN,
    SCOPED_TOKEN,
    ApiToken,
    Deployment,
    usual,
)
from formlane_sandbox.jira.simulator import JiraDataCenter, JiraSimulator
from formlane_sandbox.server import running

Json = dict[str, object]
Site = Callable[..., AbstractAsyncContextManager["Jira"]]


def basic(name: str = EMAIL, word: str = API_TOKEN) -> str:
    return f"Basic {base64.b64encode(f'{name}:{word}'.encode()).decode()}"


@dataclass(slots=True)
class Answer:
    """A status, headers by lower-case name, and JSON (or text, where it is none)."""

    status: int
    headers: Mapping[str, str]
    text: str

    def __getitem__(self, name: str) -> object:
        return self.json()[name]

    def json(self) -> Json:
        found = json.loads(self.text)
        assert isinstance(found, dict)
        return found

    def items(self) -> list[Json]:
        found = json.loads(self.text)
        assert isinstance(found, list)
        return found

    def listed(self, name: str) -> list[Json]:
        found = self[name]
        assert isinstance(found, list)
        return found

    def errors(self) -> Json:
        found = self["errors"]
        assert isinstance(found, dict)
        return found


@dataclass(slots=True)
class Jira:
    """A client of a running site; `api` is where versions begin."""

    sim: JiraSimulator
    session: aiohttp.ClientSession
    authorization: str
    api: str = "/rest/api/3"
    headers: dict[str, str] = field(default_factory=dict)

    async def ask(
        self, method: str, path: str, body: object = None, *, auth: str | None = None, **headers: str
    ) -> Answer:
        """`path` is below `api` unless it starts with a slash; `auth` "" sends none."""
        sent = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        word = self.authorization if auth is None else auth
        if word:
            sent["authorization"] = word
        url = path if path.startswith("/") else f"{self.api}/{path}"
        data = json.dumps(body).encode() if body is not None else None
        if data is not None:
            sent.setdefault("content-type", "application/json")
        async with self.session.request(
            method, url, data=data, headers=sent, allow_redirects=False
        ) as response:
            found = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status, found, await response.text())

    async def get(self, path: str, **more: str) -> Answer:
        return await self.ask("GET", path, None, **more)

    async def post(self, path: str, body: object, **more: str) -> Answer:
        return await self.ask("POST", path, body, **more)

    async def put(self, path: str, body: object, **more: str) -> Answer:
        return await self.ask("PUT", path, body, **more)

    def arm(
        self, name: str, *, times: int | None = 1, skip: int = 0, path: str = "*", **detail: object
    ) -> None:
        """Arm a fault of Jira's own."""
        known: dict[str, str | int | float | bool | None] = {}
        for key, value in detail.items():
            assert value is None or isinstance(value, str | int | float | bool)
            known[key] = value
        self.sim.faults.arm(
            Fault(kind=Kind.NAMED, name=name, times=times, skip=skip, path=path, detail=known)
        )


@asynccontextmanager
async def cloud(*, clock: Clock | None = None, **settings: object) -> AsyncIterator[Jira]:
    """A Cloud site and a client with its API token."""
    sim = JiraSimulator(usual(Deployment.CLOUD, **settings), clock=clock)
    async with running(sim), aiohttp.ClientSession(sim.url) as session:
        yield Jira(sim, session, basic())


@asynccontextmanager
async def data_center(*, clock: Clock | None = None, **settings: object) -> AsyncIterator[Jira]:
    """A Data Center site and a client with its personal access token."""
    sim = JiraDataCenter(usual(Deployment.DATA_CENTER, **settings), clock=clock)
    async with running(sim), aiohttp.ClientSession(sim.url) as session:
        yield Jira(sim, session, f"Bearer {PERSONAL_TOKEN}", "/rest/api/2")


def issue(*labels: str, **fields: object) -> Json:
    """The body that creates a task."""
    body: Json = {
        "project": {"key": "HELP"},
        "issuetype": {"id": "10001"},
        "summary": "From a form",
        "description": text_document("Hello"),
        "labels": list(labels),
    }
    return {"fields": {name: value for name, value in {**body, **fields}.items() if value is not ...}}


async def test_server_info_tells_the_deployments_apart() -> None:
    async with cloud() as jira, data_center() as server:
        asked = [await jira.get(f"/rest/api/{version}/serverInfo", auth="") for version in (2, 3, "latest")]
        there = await server.get("serverInfo", auth="")

        assert [answer["deploymentType"] for answer in asked] == ["Cloud"] * 3
        assert asked[0]["baseUrl"] == jira.sim.url
        assert (there["deploymentType"], there["versionNumbers"]) == ("Server", [10, 3, 17])


async def test_data_center_has_neither_version_3_nor_what_cloud_has() -> None:
    async with data_center() as jira:
        for method, path in (
            ("GET", "/rest/api/3/myself"),
            ("POST", "search/jql"),
            ("GET", "project/search"),
            ("GET", "issue/createmeta"),
            ("POST", "/oauth/token"),
            ("GET", f"/ex/jira/{CLOUD_ID}/rest/api/3/myself"),
        ):
            answer = await jira.ask(method, path)
            assert answer.status in (404, 405), path


async def test_data_center_below_a_context_path() -> None:
    async with data_center(context="/jira") as jira:
        answer = await jira.get("/jira/rest/api/2/myself")

        assert (answer.status, answer["name"], answer["key"]) == (200, "mia", "JIRAUSER-mia")
        assert str(answer["self"]).startswith(f"{jira.sim.base_url}/rest/api/2/")
        assert (await jira.get("/rest/api/2/myself")).status == 404


async def test_myself_is_a_user_of_the_deployment() -> None:
    async with cloud() as jira, data_center() as server:
        here, there = await jira.get("myself"), await server.get("myself", auth=basic("mia", "mia-password"))

        assert (here["accountId"], here["emailAddress"], here["locale"]) == (
            "5b10a2844c20165700ede21g",
            EMAIL,
            "en_US",
        )
        assert "name" not in here.json()
        assert there["name"] == "mia"
        assert "accountId" not in there.json()


@pytest.mark.parametrize(
    "auth",
    [
        basic(word="wrong"),
        basic("nobody@example.com"),
        basic("otto@example.com", "t"),
        "Basic !!",
        "Bearer x",
        "Odd x",
    ],
    ids=["token", "user", "inactive", "no base64", "bearer", "scheme"],
)
async def test_rejected_credentials(auth: str) -> None:
    tokens = (ApiToken(email="otto@example.com", token="t"),)
    async with cloud(tokens=tokens) as jira:
        for path in ("myself", "project/search", "issue/HELP-1"):
            answer = await jira.get(path, auth=auth)
            assert answer.status == 401
            assert answer.text == "Client must be authenticated to access this resource."
            assert answer.headers["x-seraph-loginreason"] == "AUTHENTICATED_FAILED"
            assert "www-authenticate" in answer.headers


async def test_rejected_credentials_in_json() -> None:
    async with data_center() as jira:
        answer = await jira.get("myself", auth="Bearer wrong")

    assert answer.status == 401
    assert answer["status-code"] == 401
    assert answer.headers["x-seraph-loginreason"] == "AUTHENTICATED_FAILED"


async def test_rejected_credentials_can_mean_an_empty_site() -> None:
    async with cloud(anonymous_fallback=True) as jira:
        assert (await jira.post("issue", issue("a"))).status == 201
        wrong = basic(word="wrong")
        answers = {
            path: await jira.get(path, auth=wrong)
            for path in (
                "project/search",
                "search/jql?jql=project=HELP",
                "user/search?query=m",
                "issue/HELP-1",
                "myself",
            )
        }
        created = await jira.post("issue", issue(), auth=wrong)
        bulk = await jira.post("issue/bulk", {"issueUpdates": [issue()]}, auth=wrong)

    assert [answer.status for answer in answers.values()] == [200, 200, 200, 404, 401]
    assert answers["project/search"]["values"] == []
    assert answers["search/jql?jql=project=HELP"]["issues"] == []
    assert answers["user/search?query=m"].items() == []
    assert (created.status, created.errors()) == (400, {"project": "valid project is required"})
    assert (bulk.status, bulk["issues"]) == (400, [])
    for answer in (*answers.values(), created, bulk):
        assert answer.headers["x-seraph-loginreason"] == "AUTHENTICATED_FAILED"


async def test_without_credentials_the_site_is_empty_too() -> None:
    async with cloud() as jira:
        found, me = await jira.get("project/search", auth=""), await jira.get("myself", auth="")

    assert (found.status, found["values"], me.status) == (200, [], 401)
    assert "x-seraph-loginreason" not in found.headers


@pytest.mark.parametrize("make", [cloud, data_center], ids=["cloud", "data center"])
async def test_captcha_locks_everybody_out(make: Site) -> None:
    async with make(captcha=True) as jira:
        answer = await jira.get("myself")

    assert answer.status == 403
    assert answer.headers["x-seraph-loginreason"] == "AUTHENTICATION_DENIED"
    assert answer.headers["x-authentication-denied-reason"].startswith("CAPTCHA_CHALLENGE; login-url=http")


async def test_scoped_tokens_are_good_at_the_gateway_only() -> None:
    async with cloud() as jira:
        scoped, gateway = basic(word=SCOPED_TOKEN), f"/ex/jira/{CLOUD_ID}/rest/api/3"
        answers = [
            await jira.get("myself", auth=scoped),
            await jira.get(f"{gateway}/myself", auth=scoped),
            await jira.get(f"{gateway}/myself"),
            await jira.get("/ex/jira/another/rest/api/3/myself", auth=scoped),
        ]

    assert [answer.status for answer in answers] == [401, 200, 401, 404]
    assert answers[2].json() == {"code": 401, "message": "Unauthorized"}
    assert f"/ex/jira/{CLOUD_ID}/rest/api/3/user" in str(answers[1]["self"])


async def test_every_answer_can_be_traced() -> None:
    async with cloud() as jira, data_center() as server:
        answers = [await jira.get(path) for path in ("myself", "issue/HELP-1", "nothing")]
        there = await server.get("myself")

    traces = {answer.headers["atl-traceid"] for answer in answers}
    assert len(traces) == 3
    assert all("x-arequestid" in answer.headers for answer in (*answers, there))
    assert answers[0].headers["x-aaccountid"] == "5b10a2844c20165700ede21g"
    assert answers[0].headers["content-type"] == "application/json;charset=UTF-8"
    assert there.headers["x-ausername"] == "mia"


async def test_paths_and_methods_that_are_not() -> None:
    async with cloud() as jira:
        unknown, method = await jira.get("nothing/here"), await jira.ask("DELETE", "myself")
        version = await jira.get("/rest/api/9/myself")
        options, head = await jira.ask("OPTIONS", "issue/HELP-1"), await jira.ask("HEAD", "myself")
        slash = await jira.get("project/")

    assert (unknown.status, version.status, method.status) == (404, 404, 405)
    assert method.headers["allow"] == "GET, HEAD, OPTIONS"
    assert (options.status, options.headers["allow"]) == (204, "DELETE, GET, HEAD, OPTIONS, PUT")
    assert (head.status, head.text) == (200, "")
    assert slash.status == 200


async def test_bodies_must_be_json_and_say_so() -> None:
    async with cloud() as jira:
        form = await jira.post("issue", issue(), content_type="application/x-www-form-urlencoded")
        vendor = await jira.post("issue", issue(), content_type="application/json; charset=utf-8")
        async with jira.session.post(
            "/rest/api/3/issue",
            data=gzip.compress(json.dumps(issue()).encode()),
            headers={
                "authorization": jira.authorization,
                "content-encoding": "gzip",
                "content-type": "application/json",
            },
        ) as response:
            packed = response.status
        async with jira.session.post(
            "/rest/api/3/issue",
            data=b"{",
            headers={"authorization": jira.authorization, "content-type": "application/json"},
        ) as response:
            broken = Answer(response.status, {}, await response.text())
        array = await jira.post("issue", [1])

    assert (form.status, vendor.status, packed) == (415, 201, 201)
    assert (broken.status, array.status) == (400, 400)
    assert broken["errorMessages"] == [
        "There was an error parsing JSON. Check that your request body is valid."
    ]
    assert array["errors"] == {}
