"""The hosted form: what a page holds, what a post stores, what a wrong one is told."""

from __future__ import annotations

import base64
import re

import pytest

from formlane.domain.forms import FormDefinition, FormField
from formlane.domain.types import FieldType
from formlane.errors import Conflict, SealBroken, Unavailable
from formlane.web.forms.controls import ZONES
from tests.unit.web.dom import Element, parse
from tests.unit.web.fakes import EVERY_TYPE, GOOD, KEY, Site

CONTROLS = ("input", "select", "textarea")


def controls(page: Element) -> list[Element]:
    return [one for one in page.all() if one.tag in CONTROLS and one.attributes.get("type") != "hidden"]


async def shown(site: Site) -> Element:
    answer = await site.get()
    assert answer.status == 200
    return parse(answer.text)


async def test_every_type_has_its_control() -> None:
    page = await shown(Site())
    kinds = {
        one.attributes["name"]: one.attributes.get("type", one.tag)
        for one in controls(page)
        if not one.attributes["name"].endswith("-zone")
    }
    assert kinds == {
        "first_name": "text",
        "message": "textarea",
        "people": "text",
        "price": "text",
        "agreed": "checkbox",
        "news": "checkbox",
        "day": "date",
        "at": "datetime-local",
        "time": "time",
        "size": "radio",
        "land": "select",
        "likes": "checkbox",
        "email": "email",
        "phone": "tel",
        "site": "url",
        "ref": "text",
        "data": "textarea",
        "file": "file",
    }
    assert page.one("input", name="people").attributes["inputmode"] == "numeric"
    assert page.one("form").attributes["enctype"] == "multipart/form-data"


async def test_browsers_are_told_what_they_can_fill_in() -> None:
    page = await shown(Site())
    told = {
        one.attributes["name"]: one.attributes["autocomplete"]
        for one in controls(page)
        if "autocomplete" in one.attributes
    }
    assert told == {"first_name": "given-name", "email": "email", "phone": "tel", "site": "url"}


@pytest.mark.parametrize("wrong", [False, True])
async def test_every_control_has_a_label_and_its_explanations(wrong: bool) -> None:
    site = Site()
    page = parse((await site.post({"email": "x", "people": "many"})).text) if wrong else await shown(site)
    ids = [one.attributes["id"] for one in page.all() if "id" in one.attributes]
    assert len(ids) == len(set(ids))
    for control in controls(page):
        label = page.one("label", for_=control.attributes["id"])
        assert label.text.strip()
        for described in control.attributes.get("aria-describedby", "").split():
            assert page.one(id=described).text.strip()
    for group in page.all("fieldset"):
        assert group.children[0].tag == "legend"
    assert page.one("html").attributes["lang"] == "en"
    assert len(list(page.all("h1"))) == 1
    assert "(required)" in page.one("label", for_="field-1").text
    described = page.one("input", name="first_name").attributes["aria-describedby"]
    assert "As in your passport." in page.one(id=described.split()[0]).text


async def test_the_keyboard_goes_through_the_page_in_its_order() -> None:
    page = await shown(Site())
    assert not any(int(one.attributes.get("tabindex", "0")) > 0 for one in page.all())
    names = list(dict.fromkeys(one.attributes["name"] for one in controls(page)))
    names = [name for name in names if not name.endswith("-zone")]
    assert names == [field.name for field in EVERY_TYPE.fields]
    assert [one.tag for one in page.one("form").all() if one.tag in (*CONTROLS, "button")][-1] == "button"


async def test_nothing_on_a_page_runs_or_comes_from_elsewhere() -> None:
    site = Site()
    for answer in (await site.get(), await site.post({}), await site.get(f"/f/{KEY}/thank-you")):
        policy = answer.header("content-security-policy") or ""
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        page = parse(answer.text)
        assert list(page.all("script")) == list(page.all("style")) == []
        assert not any(
            name == "style" or name.startswith("on") for one in page.all() for name in one.attributes
        )
        places = [one.attributes.get("href", "") + one.attributes.get("src", "") for one in page.all("link")]
        assert all(place.startswith("/static/") for place in places)
        for place in places:
            assert (await site.get(place.partition("?")[0])).status == 200
        assert answer.header("cache-control") == "no-store"


async def test_a_post_is_stored_as_typed_values_and_thanked_for() -> None:
    site = Site()
    answer = await site.post(
        {
            **GOOD,
            "message": "one\r\ntwo",
            "people": "3",
            "at": "2026-11-24T18:30",
            "at-zone": "+01:00",
            "size": '"L"',
            "data": '{"a": [1]}',
            "phone": "",
        },
        token="token-of-this-one-page",
    )
    assert (answer.status, answer.header("location")) == (303, f"/f/{KEY}/thank-you")
    [(values, token)] = site.intake.stored
    assert values == {
        "first_name": "Ada",
        "message": "one\ntwo",
        "people": "3",
        "agreed": "true",
        "news": False,
        "at": "2026-11-24T18:30+01:00",
        "size": '"L"',
        "likes": ["tea", "coffee"],
        "email": "ada@example.org",
        "data": {"a": [1]},
    }
    assert token == "token-of-this-one-page"
    assert site.failpoints.reached == ["accepted"]
    thanks = await site.get(f"/f/{KEY}/thank-you")
    assert EVERY_TYPE.thank_you in parse(thanks.text).text


async def test_a_file_arrives_as_base64_of_its_bytes() -> None:
    site = Site()
    content = bytes(range(256))
    parts = [
        f'--b\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'.encode()
        for name, text in (
            ("first_name", "Ada ✓"),
            ("agreed", "true"),
            ("likes", "tea"),
            ("email", "a@b.org"),
        )
    ]
    head = b'--b\r\ncontent-disposition: form-data; name="file"; filename="x.bin"\r\n\r\n'
    body = b"".join(parts) + head + content + b"\r\n--b--\r\n"
    assert (await site.post_raw(body, "multipart/form-data; boundary=b")).status == 303
    assert site.intake.stored[0][0]["file"] == base64.b64encode(content).decode()
    assert site.intake.stored[0][0]["first_name"] == "Ada ✓"


async def test_wrong_answers_are_shown_again_with_what_is_wrong() -> None:
    site = Site()
    answer = await site.post({"email": "<x>", "message": "\nfirst line empty", "size": "M", "likes": ["tea"]})
    assert answer.status == 422
    assert site.intake.stored == []
    page = parse(answer.text)
    assert page.one("title").text.startswith("Error: ")
    summary = page.one("section", class_="error-summary")
    messages = [link.text for link in summary.all("a")]
    assert messages == [
        "First name is required.",
        "I agree is required.",
        "Email is not an email address such as name@example.org.",
    ]
    for link in summary.all("a"):
        target = page.one(id=link.attributes["href"].removeprefix("#"))
        assert target.attributes["aria-invalid"] == "true"
        fault = target.attributes["aria-describedby"].split()[-1]
        assert link.text in page.one(id=fault).text
    assert page.one("input", name="email").attributes["value"] == "<x>"
    assert page.one("textarea", name="message").text == "\n\nfirst line empty"
    assert [
        one.attributes["value"] for one in page.all("input", name="size") if "checked" in one.attributes
    ] == ["M"]
    assert [
        one.attributes["value"] for one in page.all("input", name="likes") if "checked" in one.attributes
    ] == ["tea"]


async def test_the_token_stays_while_the_answers_are_mended_and_is_new_on_a_new_page() -> None:
    site = Site()
    first = (await shown(site)).one("input", name="formlane-token").attributes["value"]
    second = (await shown(site)).one("input", name="formlane-token").attributes["value"]
    assert first != second
    again = parse((await site.post({}, token=first)).text)
    assert again.one("input", name="formlane-token").attributes["value"] == first


@pytest.mark.parametrize("token", ["", "short", "with spaces in between it", "x" * 65])
async def test_a_post_without_a_token_of_ours_gets_one(token: str) -> None:
    site = Site()
    assert (await site.post(GOOD, token=token)).status == 303
    assert re.fullmatch(r"[\w-]{24}", site.intake.stored[0][1])


async def test_what_no_field_asked_for_is_kept() -> None:
    site = Site()
    assert (await site.post({**GOOD, "campaign": "autumn"})).status == 303
    assert site.intake.stored[0][0]["campaign"] == "autumn"


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"email=%FF", "application/x-www-form-urlencoded", 400),
        (b"email=\xff", "application/x-www-form-urlencoded", 400),
        (b"&".join([b"a=1"] * 5001), "application/x-www-form-urlencoded", 400),
        (b"x" * 30_001, "application/x-www-form-urlencoded", 413),
        (b"{}", "application/json", 400),
        (b"", "", 400),
        (b"nonsense", "multipart/form-data; boundary=b", 400),
        (b"nonsense", "multipart/form-data", 400),
        (
            b'--b\r\ncontent-disposition: form-data; name="email"\r\n\r\ncut',
            "multipart/form-data; boundary=b",
            400,
        ),
    ],
)
async def test_what_no_browser_sends_is_refused_with_a_page(
    body: bytes, content_type: str, status: int
) -> None:
    site = Site(max_bytes=30_000)
    answer = await site.post_raw(body, content_type)
    assert answer.status == status
    assert parse(answer.text).one("h1").text
    assert site.intake.stored == []


async def test_text_that_is_not_utf8_is_refused_in_multipart_too() -> None:
    site = Site(FormDefinition(title="t", fields=(FormField(name="a", label="A"),)))
    body = b'--b\r\ncontent-disposition: form-data; name="a"\r\n\r\n\xff\r\n--b--\r\n'
    assert (await site.post_raw(body, "multipart/form-data; boundary=b")).status == 400
    assert (await site.post_raw(body.replace(b"\xff", b"x"), "multipart/form-data; boundary=b")).status == 303


@pytest.mark.parametrize(
    ("trouble", "status", "words"),
    [
        (Conflict("x", "idempotency_mismatch"), 409, "sent already"),
        (Conflict("x", "no_routes"), 409, "takes no answers"),
        (Unavailable("x"), 503, "could not be stored"),
        (SealBroken("secret"), 500, "A fault of ours"),
    ],
)
async def test_trouble_behind_is_told_in_plain_words(trouble: Exception, status: int, words: str) -> None:
    site = Site()
    site.intake.trouble = trouble
    answer = await site.post(GOOD)
    assert answer.status == status
    assert words in parse(answer.text).text
    assert "secret" not in answer.text
    assert site.failpoints.reached == []


async def test_answers_are_kept_on_the_page_while_the_store_is_away() -> None:
    site = Site()
    site.intake.trouble = Unavailable("away")
    answer = await site.post(GOOD)
    assert answer.header("retry-after")
    page = parse(answer.text)
    assert page.one("input", name="email").attributes["value"] == "ada@example.org"


async def test_an_unknown_form_has_a_page_that_says_so() -> None:
    site = Site()
    for path in ("/f/ff_unknown", "/f/ff_unknown/thank-you"):
        answer = await site.get(path)
        assert (answer.status, parse(answer.text).one("h1").text) == (404, "This form does not exist")


async def test_a_datetime_with_its_own_offset_stays_as_it_is() -> None:
    site = Site()
    await site.post({**GOOD, "at": "2026-11-24T18:30:00Z"})
    await site.post({**GOOD, "at": "2026-11-24T18:30:00+02:00", "at-zone": "Z"})
    assert [values["at"] for values, _ in site.intake.stored] == [
        "2026-11-24T18:30:00Z",
        "2026-11-24T18:30:00+02:00",
    ]


def test_zones_are_offsets_in_order() -> None:
    assert len(ZONES) == len(set(ZONES)) == 38
    assert ZONES[0] == "-12:00"
    assert ZONES[-1] == "+14:00"


async def test_wrong_json_is_told_beside_its_field() -> None:
    site = Site(FormDefinition(title="t", fields=(FormField(name="a/b", label="A", type=FieldType.JSON),)))
    page = parse((await site.post({"a/b": "{"})).text)
    assert page.one("textarea").attributes["aria-invalid"] == "true"
