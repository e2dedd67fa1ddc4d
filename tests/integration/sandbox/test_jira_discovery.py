"""Discovery: projects, issue types, create screens, fields, users."""

from __future__ import annotations

import json

from tests.integration.sandbox.test_jira import cloud, data_center


async def test_project_search_pages() -> None:
    async with cloud() as jira:
        first = await jira.get("project/search?maxResults=1&orderBy=key")
        rest = await jira.get(str(first["nextPage"]).removeprefix(jira.sim.url))
        large = await jira.get("project/search?maxResults=5000&expand=issueTypes")
        named = await jira.get("project/search?query=web")

    assert [item["key"] for item in (*first.listed("values"), *rest.listed("values"))] == ["HELP", "WEB"]
    assert (first["isLast"], first["total"], rest["isLast"]) == (False, 2, True)
    assert "nextPage" not in rest.json()
    assert large["maxResults"] == 100
    assert large.listed("values")[0]["issueTypes"]
    assert [item["style"] for item in named.listed("values")] == ["next-gen"]


async def test_projects_without_pages() -> None:
    async with data_center() as jira:
        found = (await jira.get("project")).items()
        one = await jira.get("project/help")
        none = await jira.get("project/NONE")

    assert [item["key"] for item in found] == ["HELP", "WEB"]
    assert (one["id"], none.status) == ("10000", 404)
    assert none["errorMessages"] == ["No project could be found with key 'NONE'."]


async def test_create_metadata_of_cloud() -> None:
    async with cloud() as jira:
        types = await jira.get("issue/createmeta/HELP/issuetypes?maxResults=2")
        fields, start = [], 0
        while True:
            page = await jira.get(f"issue/createmeta/10000/issuetypes/10004?startAt={start}&maxResults=10")
            fields += page.listed("fields")
            start += 10
            if start >= int(str(page["total"])):
                break
        wrong = await jira.get("issue/createmeta/HELP/issuetypes?maxResults=201")
        missing = [
            await jira.get(f"issue/createmeta/{path}") for path in ("NONE/issuetypes", "HELP/issuetypes/9")
        ]
    by_id = {str(item["fieldId"]): item for item in fields}

    assert (types["total"], len(types.listed("issueTypes"))) == (5, 2)
    assert "isLast" not in types.json()
    assert len(fields) == len(by_id) == 38
    assert by_id["summary"]["required"] is True
    assert by_id["summary"]["schema"] == {"type": "string", "system": "summary"}
    assert by_id["customfield_10200"] == {
        "required": True,
        "schema": {
            "type": "option",
            "custom": "com.atlassian.jira.plugin.system.customfieldtypes:select",
            "customId": 10200,
        },
        "name": "Department",
        "key": "customfield_10200",
        "fieldId": "customfield_10200",
        "hasDefaultValue": False,
        "operations": ["set"],
        "allowedValues": [
            {
                "self": f"{jira.sim.url}/rest/api/3/customFieldOption/{number}",
                "value": value,
                "id": number,
            }
            for number, value in (
                ("1020010", "Sales"),
                ("1020011", "Support"),
                ("1020012", "Finance"),
                ("1020013", "Platform"),
            )
        ],
    }
    assert (by_id["reporter"]["required"], by_id["reporter"]["hasDefaultValue"]) == (True, True)
    assert "user/assignable/search?project=HELP&query=" in str(by_id["assignee"]["autoCompleteUrl"])
    assert (wrong.status, wrong.json()) == (
        400,
        {"errorMessages": ["Parameter 'maxResults' must not exceed the limit '200'"], "errors": {}},
    )
    assert [answer.status for answer in missing] == [404, 404]


async def test_create_metadata_of_data_center() -> None:
    async with data_center() as jira:
        types = await jira.get("issue/createmeta/HELP/issuetypes")
        fields = await jira.get("issue/createmeta/HELP/issuetypes/10001?maxResults=5")

    assert (len(types.listed("values")), types["isLast"]) == (5, True)
    assert (len(fields.listed("values")), fields["isLast"]) == (5, False)
    assert "key" not in fields.listed("values")[0]
    assert fields.listed("values")[0]["fieldId"] == "summary"


async def test_old_create_metadata_has_a_map_of_fields() -> None:
    async with cloud() as jira:
        found = await jira.get(
            "issue/createmeta?projectKeys=HELP&issuetypeNames=Task&expand=projects.issuetypes.fields"
        )
        short = await jira.get("issue/createmeta?projectIds=10001")
    (project,) = found.listed("projects")
    types = project["issuetypes"]
    assert isinstance(types, list)

    assert [kind["name"] for kind in types] == ["Task"]
    assert types[0]["fields"]["summary"]["required"] is True
    assert [item["key"] for item in short.listed("projects")] == ["WEB"]
    assert "fields" not in json.dumps(short.json())


async def test_fields_and_other_lists() -> None:
    async with cloud() as jira:
        fields = {str(item["id"]): item for item in (await jira.get("field")).items()}
        names = {
            path: [item["name"] for item in (await jira.get(path)).items()]
            for path in ("issuetype", "priority", "resolution", "status")
        }

    assert fields["customfield_10206"]["clauseNames"] == ["cf[10206]", "Amount"]
    assert fields["customfield_10206"]["schema"] == {
        "type": "number",
        "custom": "com.atlassian.jira.plugin.system.customfieldtypes:float",
        "customId": 10206,
    }
    assert fields["customfield_10300"]["scope"] == {"type": "PROJECT", "project": {"id": "10001"}}
    assert "scope" not in fields["customfield_10206"]
    assert names["priority"] == ["Highest", "High", "Medium", "Low", "Lowest"]
    assert names["status"] == ["To Do", "In Progress", "Done"]
    assert len(names["issuetype"]) == 5
    assert names["resolution"][0] == "Done"


async def test_users() -> None:
    async with cloud() as jira, data_center() as server:
        jira.sim.site.people.by_name["jonas"].email_hidden = True
        by_mail = (await jira.get("user/search?query=mia@example.com")).items()
        hidden = (await jira.get("user/search?query=jonas@example.com")).items()
        by_name = (await jira.get("user/search?query=weber")).items()
        assignable = (await jira.get("user/assignable/search?project=HELP&query=")).items()
        gone = (await jira.get("user/search?query=otto")).items()
        one = await jira.get("user?accountId=5b10a2844c20165700ede21g")
        nobody = await jira.get("user?accountId=x")
        there = (await server.get("user/search?username=mia")).items()

    assert [user["displayName"] for user in by_mail] == ["Mia Krystof"]
    assert (hidden, gone) == ([], [])
    assert "emailAddress" not in by_name[0]
    assert [user["displayName"] for user in assignable] == ["Mia Krystof", "Jonas Weber"]
    assert (one.status, nobody.status) == (200, 404)
    assert [user["name"] for user in there] == ["mia"]


async def test_permissions() -> None:
    async with cloud() as jira:
        jira.sim.site.schema.projects["10001"].creatable = False
        have = [
            (await jira.get(f"mypermissions?permissions=BROWSE_PROJECTS,CREATE_ISSUES&projectKey={key}"))
            for key in ("HELP", "WEB", "NONE")
        ]
    found = []
    for answer in have:
        permissions = answer["permissions"]
        assert isinstance(permissions, dict)
        found.append([item["havePermission"] for item in permissions.values()])

    assert found == [[True, True], [True, False], [False, False]]


async def test_session_of_old_clients() -> None:
    async with data_center() as jira:
        answer = await jira.get("/rest/auth/1/session")

    assert (answer.status, answer["name"]) == (200, "mia")
