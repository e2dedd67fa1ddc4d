"""The loader of named queries, on files of the test's own, and all queries of the product."""

from __future__ import annotations

from pathlib import Path

import pytest

from formlane.errors import ConfigurationError
from formlane.store.queries import DIRECTORY, QUERIES, load_queries

GOOD = """\
-- Queries about lanes.

-- name: lease_lanes
-- Take ready lanes.
SELECT id -- in order
FROM lanes;

-- name: count_lanes
-- How many there are.
SELECT count(*) FROM lanes
"""


def write(directory: Path, **files: str) -> Path:
    for name, text in files.items():
        (directory / f"{name}.sql").write_text(text)
    return directory


def test_a_query_is_found_by_attribute_and_by_key(tmp_path: Path) -> None:
    queries = load_queries(write(tmp_path, lanes=GOOD))
    assert queries.lease_lanes == "/* lease_lanes */ SELECT id -- in order\nFROM lanes;"
    assert queries["count_lanes"] == queries.count_lanes
    assert sorted(queries) == ["count_lanes", "lease_lanes"]
    assert queries.describe("count_lanes").description == "How many there are."
    assert queries.describe("count_lanes").source == "lanes.sql:8"


def test_an_unknown_name_is_an_error(tmp_path: Path) -> None:
    queries = load_queries(write(tmp_path, lanes=GOOD))
    with pytest.raises(AttributeError, match=r"no query is named 'lease_lane'.*lease_lanes"):
        _ = queries.lease_lane
    with pytest.raises(KeyError):
        _ = queries["lease_lane"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("-- name: a\nSELECT 1", r"bad\.sql:1: the line after the name"),
        ("-- name: a\n--\nSELECT 1", r"bad\.sql:1: the line after the name"),
        ("-- name: a", r"bad\.sql:1: the line after the name"),
        ("-- name: a\n-- Does.\n-- only words\n", r"bad\.sql:1: the query has no SQL"),
        ("SELECT 1", r"bad\.sql:1: SQL before the first"),
        ("-- name: Not-Good\n-- Does.\nSELECT 1", r"bad\.sql:1: write `-- name: lower_case_name`"),
        (
            "-- name: a\n-- Does.\nSELECT 1\n-- name: a\n-- Does.\nSELECT 1",
            r"bad\.sql:4: 'a' is already at bad\.sql:1",
        ),
    ],
)
def test_a_malformed_file_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        load_queries(write(tmp_path, bad=text))


def test_names_are_unique_over_all_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"two\.sql:3: 'lease_lanes' is already at one\.sql:3"):
        load_queries(write(tmp_path, one=GOOD, two=GOOD))


def test_every_query_of_the_product_loads() -> None:
    named = sum(path.read_text().count("\n-- name:") for path in DIRECTORY.glob("*.sql"))
    named += sum(path.read_text().startswith("-- name:") for path in DIRECTORY.glob("*.sql"))
    assert len(QUERIES) == named
    assert all(QUERIES.describe(name).description for name in QUERIES)
