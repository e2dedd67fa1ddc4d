"""What the API says when it refuses: a request as a whole, or one record of it."""

from __future__ import annotations

from collections.abc import Sequence

INVALID_SESSION = ("INVALID_SESSION_ID", "Session expired or invalid")
ROLLED_BACK = (
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone header",
)


class RequestError(Exception):
    """The whole request is refused: an HTTP status and an array with one error."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        fields: Sequence[str] | None = None,
        headers: Sequence[tuple[bytes, bytes]] = (),
        extra: dict[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.fields = fields
        self.headers = headers
        self.extra = extra

    def document(self) -> list[dict[str, object]]:
        """The body of the answer; `fields` only where the vendor gives it."""
        error: dict[str, object] = dict(self.extra or {}, message=self.message, errorCode=self.code)
        if self.fields is not None:
            error["fields"] = list(self.fields)
        return [error]


class RecordError(Exception):
    """One record is refused; `fields` are API names."""

    def __init__(
        self, code: str, message: str, fields: Sequence[str] = (), *, extra: dict[str, object] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.fields = fields
        self.extra = extra

    def document(self) -> dict[str, object]:
        """As an item of a record's `errors`."""
        return {"statusCode": self.code, "message": self.message, "fields": list(self.fields)}


class WrongTypeError(Exception):
    """A JSON value that cannot be read as the field's type."""

    def __init__(self, kind: str, value: object) -> None:
        super().__init__(kind)
        self.kind = kind
        self.value = value

    @property
    def message(self) -> str:
        """Without the place, which only the request's text knows."""
        shown = "null" if self.value is None else self.value
        return (
            f"Cannot deserialize instance of {self.kind} from {_token(self.value)} value {shown} "
            "or request may be missing a required field"
        )


def not_found(message: str = "The requested resource does not exist") -> RequestError:
    """404, the answer to every unknown path, object, key field and record."""
    return RequestError(404, "NOT_FOUND", message)


def bad_request(code: str, message: str, fields: Sequence[str] | None = None) -> RequestError:
    """400."""
    return RequestError(400, code, message, fields=fields)


def _token(value: object) -> str:
    if value is None:
        return "VALUE_NULL"
    if isinstance(value, bool):
        return "VALUE_TRUE" if value else "VALUE_FALSE"
    kinds = {str: "VALUE_STRING", int: "VALUE_NUMBER_INT", float: "VALUE_NUMBER_FLOAT", list: "START_ARRAY"}
    return kinds.get(type(value), "START_OBJECT")
