"""Reading queries."""

from __future__ import annotations

import pytest

from formlane_sandbox.jira.jql import And, Clause, Function, Not, Operator, Or, Query, parse
from formlane_sandbox.jira.language import RefusedError, Sentence

LABEL = Clause("labels", Operator.IS, ("a",))
HELP = Clause("project", Operator.IS, ("HELP",))
READ = {
    "labels = a": Query(LABEL),
    'labels = "a"': Query(LABEL),
    "labels='a'": Query(LABEL),
    "project = HELP AND labels = a": Query(And((HELP, LABEL))),
    "project = HELP or labels = a": Query(Or((HELP, LABEL))),
    "not (project = HELP && labels = a)": Query(Not(And((HELP, LABEL)))),
    "labels in (a, 'b c')": Query(Clause("labels", Operator.IN, ("a", "b c"))),
    "labels NOT IN (a)": Query(Clause("labels", Operator.NOT_IN, ("a",))),
    "assignee is not empty": Query(Clause("assignee", Operator.NOT_EMPTY)),
    "assignee IS NULL": Query(Clause("assignee", Operator.EMPTY)),
    "assignee = currentUser()": Query(Clause("assignee", Operator.IS, (Function("currentUser"),))),
    "created >= -5m": Query(Clause("created", Operator.MORE_OR, ("-5m",))),
    "cf[10206] < 3.5": Query(Clause("cf[10206]", Operator.LESS, ("3.5",))),
    '"Web page" ~ "x \\"y\\""': Query(Clause("Web page", Operator.HAS, ('x "y"',))),
    "issue.property[a.b].c = 1": Query(Clause("issue.property[a.b].c", Operator.IS, ("1",))),
    "orders = 1": Query(Clause("orders", Operator.IS, ("1",))),
    "labels = a ORDER BY created DESC, key": Query(LABEL, (("created", True), ("key", False))),
    "order by created": Query(None, (("created", False),)),
    "": Query(None),
}  # fmt: skip


@pytest.mark.parametrize("text", READ, ids=[text or "nothing" for text in READ])
def test_query(text: str) -> None:
    assert parse(text) == READ[text]


@pytest.mark.parametrize(
    "text", ["labels", "labels =", "labels in ()", "= a", "a = b c", "a = b and", "(a = b", "a = 'b"]
)
def test_no_query(text: str) -> None:
    with pytest.raises(RefusedError) as met:
        parse(text)

    assert met.value.sentence is Sentence.JQL_SYNTAX
