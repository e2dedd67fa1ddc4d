"""Changing, moving and deleting issues, and what hangs on them."""

from __future__ import annotations

from formlane_sandbox.jira.adf import text_document
from formlane_sandbox.jira.drift import PlaceField
from tests.integration.sandbox.test_jira import Answer, cloud, issue
from tests.integration.sandbox.test_jira_writing import NOT_ON_SCREEN, contains, fields


async def test_edit() -> None:
    async with cloud() as jira:
        await jira.post("issue", issue("a", "b"))
        put = await jira.put(
            "issue/HELP-1",
            {
                "fields": {"summary": "New", "customfield_10206": None},
                "update": {
                    "labels": [{"add": "c"}, {"remove": "a"}],
                    "comment": [{"add": {"body": text_document("hi")}}],
                },
                "properties": [{"key": "p", "value": 1}],
            },
        )
        shown = await jira.put(
            "issue/10000?returnIssue=true&notifyUsers=false", {"fields": {"duedate": "2026-01-31"}}
        )
        found = await fields(jira, "HELP-1", "summary", "labels", "comment")
        value = await jira.get("issue/HELP-1/properties/p")

    assert (put.status, put.text) == (204, "")
    assert (shown.status, shown["key"]) == (200, "HELP-1")
    assert (found["summary"], found["labels"]) == ("New", ["b", "c"])
    assert isinstance(found["comment"], dict)
    assert found["comment"]["total"] == 1
    assert value["value"] == 1


async def test_edits_that_are_refused_change_nothing() -> None:
    async with cloud() as jira:
        await jira.post("issue", issue("a"))
        jira.sim.alter(PlaceField(field="duedate", edit=False))
        answers = [
            await jira.put(
                "issue/HELP-1",
                {"fields": {"summary": "x", "duedate": "2026-01-31", "project": {"id": "10001"}}},
            ),
            await jira.put("issue/HELP-1", {"fields": {"summary": None}}),
            await jira.put(
                "issue/HELP-1", {"fields": {"labels": ["b"]}, "update": {"labels": [{"add": "c"}]}}
            ),
            await jira.put("issue/HELP-1", {"update": {"comment": [{"add": {"body": "plain"}}]}}),
            await jira.put("issue/HELP-1", {"fields": 5}),
            await jira.put("issue/HELP-1", {}),
            await jira.put("issue/HELP-1?overrideScreenSecurity=true", {"fields": {"summary": "x"}}),
            await jira.put("issue/HELP-9", {"fields": {"summary": "x"}}),
        ]
        found = await fields(jira, "HELP-1", "summary", "labels")

    assert [answer.status for answer in answers] == [400] * 6 + [403, 404]
    assert answers[0].errors() == {
        "duedate": NOT_ON_SCREEN.format("duedate"),
        "project": NOT_ON_SCREEN.format("project"),
    }
    assert answers[1].errors() == {"summary": "You must specify a summary of the issue."}
    assert list(answers[2].errors()) == ["labels"]
    assert list(answers[3].errors()) == ["comment"]
    assert found == {"summary": "From a form", "labels": ["a"]}


async def test_editmeta_lists_the_edit_screen() -> None:
    async with cloud() as jira:
        await jira.post("issue", issue())
        jira.sim.alter(PlaceField(field="duedate", edit=False))
        found = (await jira.get("issue/HELP-1/editmeta"))["fields"]
    assert isinstance(found, dict)

    assert "summary" in found
    assert not {"duedate", "project"} & set(found)
    assert found["labels"]["operations"] == ["add", "set", "remove"]


async def test_transitions() -> None:
    async with cloud() as jira:
        await jira.post("issue", issue())
        plain = await jira.get("issue/HELP-1/transitions")
        listed = await jira.get("issue/HELP-1/transitions?expand=transitions.fields&transitionId=31")
        done = await jira.post(
            "issue/HELP-1/transitions", {"transition": {"id": 31}, "fields": {"resolution": {"name": "Done"}}}
        )
        wrong = [
            await jira.post("issue/HELP-1/transitions", {}),
            await jira.post("issue/HELP-1/transitions", {"transition": {"id": "99"}}),
            await jira.post(
                "issue/HELP-1/transitions", {"transition": {"id": "21"}, "fields": {"summary": "x"}}
            ),
            await jira.post(
                "issue/HELP-1/transitions",
                {"transition": {"id": "31"}, "fields": {"resolution": {"name": "?"}}},
            ),
        ]
        found = await fields(jira, "HELP-1", "status", "resolution")
    (entry,) = listed.listed("transitions")

    assert [item["name"] for item in plain.listed("transitions")] == ["To Do", "In Progress", "Done"]
    assert contains(
        entry, {"id": "31", "isAvailable": True, "to": {"name": "Done", "statusCategory": {"key": "done"}}}
    )
    screen = entry["fields"]
    assert isinstance(screen, dict)
    assert list(screen) == ["resolution"]
    assert (done.status, done.text) == (204, "")
    assert [answer.status for answer in wrong] == [400] * 4
    assert wrong[0]["errorMessages"] == ["Missing 'transition' identifier"]
    assert wrong[2].errors() == {"summary": NOT_ON_SCREEN.format("summary")}
    assert contains(found, {"status": {"name": "Done"}, "resolution": {"name": "Done"}})


async def test_subtasks_and_delete() -> None:
    async with cloud() as jira:
        await jira.post("issue", issue())
        child = await jira.post("issue", issue(issuetype={"name": "Sub-task"}, parent={"key": "HELP-1"}))
        parent = await fields(jira, "HELP-2", "parent", "issuetype")
        children = await fields(jira, "HELP-1", "subtasks")
        refused = await jira.ask("DELETE", "issue/HELP-1")
        gone = await jira.ask("DELETE", "issue/HELP-1?deleteSubtasks=true")
        after = [await jira.get(f"issue/{name}") for name in ("HELP-1", "HELP-2", "10000")]
        following = await jira.post("issue", issue())

    assert child.status == 201
    assert contains(parent, {"parent": {"key": "HELP-1"}, "issuetype": {"subtask": True}})
    assert contains(children, {"subtasks": [{"key": "HELP-2"}]})
    assert (refused.status, gone.status) == (400, 204)
    assert [answer.status for answer in after] == [404] * 3
    assert (following["key"], following["id"]) == ("HELP-3", "10002")


async def test_properties() -> None:
    async with cloud() as jira:
        body = {**issue(), "properties": [{"key": "forms.submission", "value": {"id": "s"}}]}
        await jira.post("issue", body)
        updated = (await fields(jira, "HELP-1", "updated"))["updated"]
        got = await jira.get("issue/HELP-1/properties/forms.submission")
        puts = [await jira.put("issue/HELP-1/properties/a%2Fb", value) for value in ({"x": 1}, [2], "text")]
        listed = await jira.get("issue/HELP-1/properties")
        missing = await jira.get("issue/HELP-1/properties/none")
        deleted = [await jira.ask("DELETE", "issue/HELP-1/properties/a%2Fb") for _ in range(2)]
        shown = await jira.get("issue/HELP-1?fields=summary&properties=forms.submission,none")
        after = (await fields(jira, "HELP-1", "updated"))["updated"]

    assert got.json() == {"key": "forms.submission", "value": {"id": "s"}}
    assert [answer.status for answer in puts] == [201, 200, 200]
    assert [item["key"] for item in listed.listed("keys")] == ["forms.submission", "a/b"]
    assert (missing.status, [answer.status for answer in deleted]) == (404, [204, 404])
    assert shown["properties"] == {"forms.submission": {"id": "s"}}
    assert updated == after


async def test_properties_that_are_refused() -> None:
    async with cloud() as jira:
        await jira.post("issue", issue())
        answers = [
            await jira.put("issue/HELP-1/properties/p", "x" * 32_767),
            await jira.put(f"issue/HELP-1/properties/{'k' * 256}", 1),
            await jira.put("issue/HELP-1/properties/p", ""),
            await jira.put("issue/HELP-9/properties/p", 1),
        ]
        fits = await jira.put("issue/HELP-1/properties/p", "x" * 32_766)
        wrong_shapes: list[object] = [{}, [1], [{"key": "", "value": 1}]]
        created = await jira.post("issue", {**issue(), "properties": [{"key": "p", "value": ["x" * 32_768]}]})
        shapes = [await jira.post("issue", {**issue(), "properties": wrong}) for wrong in wrong_shapes]

    assert [answer.status for answer in answers] == [400, 400, 400, 404]
    assert fits.status == 201
    assert list(created.errors()) == ["properties"]
    assert [answer.status for answer in shapes] == [400] * 3


async def test_comments_links_and_assignee() -> None:
    async with cloud() as jira:
        await jira.post("issue", issue())
        comment = await jira.post("issue/HELP-1/comment", {"body": text_document("hi")})
        plain = await jira.post("/rest/api/2/issue/HELP-1/comment", {"body": "there"})
        wrong = await jira.post("issue/HELP-1/comment", {"body": "plain"})
        comments = await jira.get("/rest/api/2/issue/HELP-1/comment")
        link = {"globalId": "form=1", "object": {"url": "https://example.com", "title": "Submission"}}
        links = [await jira.post("issue/HELP-1/remotelink", link) for _ in range(2)]
        untitled = await jira.post("issue/HELP-1/remotelink", {"object": {"url": "https://example.com"}})
        listed = (await jira.get("issue/HELP-1/remotelink")).items()
        by_id = await jira.get("issue/HELP-1/remotelink?globalId=form%3D1")
        assigned = await jira.put("issue/HELP-1/assignee", {"accountId": "5b10ac8d82e05b22cc7d4ef5"})
        person = (await fields(jira, "HELP-1", "assignee"))["assignee"]
        cleared = await jira.put("issue/HELP-1/assignee", {"accountId": None})
        refused = await jira.put("issue/HELP-1/assignee", {"accountId": "nobody"})

    assert (comment.status, plain.status, wrong.status) == (201, 201, 400)
    assert [item["body"] for item in comments.listed("comments")] == ["hi", "there"]
    assert [answer.status for answer in links] == [201, 200]
    assert links[0]["id"] == links[1]["id"]
    assert untitled.status == 400
    assert [item["globalId"] for item in listed] == ["form=1"]
    assert by_id["globalId"] == "form=1"
    assert (assigned.status, cleared.status, refused.status) == (204, 204, 400)
    assert isinstance(person, dict)
    assert person["displayName"] == "Jonas Weber"


async def test_comments_and_links_by_id() -> None:
    async with cloud() as jira:
        await jira.post("issue", issue())
        comment = await jira.post("issue/HELP-1/comment", {"body": text_document("one")})
        link = {"object": {"url": "https://example.com", "title": "Submission"}}
        added = await jira.post("issue/HELP-1/remotelink", link)
        link["object"]["title"] = "Other"
        places = (
            (f"issue/HELP-1/comment/{comment['id']}", {"body": text_document("two")}, 200),
            (f"issue/HELP-1/remotelink/{added['id']}", link, 204),
        )
        for path, body, changed in places:
            assert (await jira.put(path, body)).status == changed
            shown = await jira.get(path)
            assert contains(shown.json(), body)
            assert [(await jira.ask("DELETE", path)).status for _ in range(2)] == [204, 404]
        wrong = await jira.post("issue/HELP-1/comment", {"body": text_document("one")})
        plain = await jira.put(f"issue/HELP-1/comment/{wrong['id']}", {"body": "plain"})
        nothing = await jira.get("issue/HELP-1/remotelink?globalId=none")
        comments = await jira.put("issue/HELP-1", {"update": {"comment": "x"}})

    assert (plain.status, nothing.status, comments.status) == (400, 404, 400)


async def test_hidden_issues_and_projects_are_not_found() -> None:
    async with cloud() as jira:
        for project in ("HELP", "WEB"):
            await jira.post("issue", issue(project={"key": project}))
        jira.sim.site.issues.by_key["HELP-1"].hidden = True
        jira.sim.site.schema.projects["10001"].archived = True
        answers: list[Answer] = []
        for key in ("HELP-1", "WEB-1"):
            answers.append(await jira.get(f"issue/{key}"))
            answers.append(await jira.put(f"issue/{key}", {"fields": {"summary": "x"}}))
            answers.append(await jira.post(f"issue/{key}/transitions", {"transition": {"id": "31"}}))

    assert {answer.status for answer in answers} == {404}
    assert answers[0].json() == {
        "errorMessages": ["Issue does not exist or you do not have permission to see it."],
        "errors": {},
    }


async def test_bulkfetch_leaves_out_what_is_missing() -> None:
    async with cloud() as jira:
        for label in ("a", "b"):
            await jira.post("issue", issue(label))
        found = await jira.post(
            "issue/bulkfetch", {"issueIdsOrKeys": ["HELP-2", "10000", "HELP-9"], "fields": ["labels"]}
        )
        wrong = [
            await jira.post("issue/bulkfetch", {"issueIdsOrKeys": ids}) for ids in ([], ["HELP-1"] * 101)
        ]

    assert [item["fields"] for item in found.listed("issues")] == [{"labels": ["b"]}, {"labels": ["a"]}]
    assert found["issueErrors"] == []
    assert [answer.status for answer in wrong] == [400, 400]
