"""The sentences Jira answers with, in English and German."""

from __future__ import annotations

from enum import StrEnum


class Sentence(StrEnum):
    """English wording; `{…}` are filled in."""

    SUMMARY_MISSING = "You must specify a summary of the issue."
    SUMMARY_LONG = "Summary must be less than {limit} characters."
    SUMMARY_LINES = "The summary is invalid because it contains newline characters."
    TEXT_LONG = "The entered text is too long. It exceeds the allowed limit of {limit} characters."
    NOT_TEXT = "Operation value must be a string"
    NOT_DOCUMENT = "Operation value must be an Atlassian Document (see the Atlassian Document Format)"
    NOT_NUMBER = "Operation value must be a number"
    NOT_LIST = "data was not an array"
    BAD_DATE = "Error parsing date string: {value}"
    BAD_TIME = "Error parsing time string: {value}"
    BAD_URL = "The URL '{value}' is not valid"
    BAD_CHOICE = "Specify a valid 'id' or 'name' for {field}"
    BAD_OPTION = "Option value '{value}' is not valid"
    BAD_OPTION_ID = "Option id '{value}' is not valid"
    LABEL_SPACES = "The label '{value}' contains spaces which is invalid."
    LABEL_LONG = "The label '{value}' exceeds the maximum length of 255 characters."
    BAD_PRIORITY = "Specify the Priority (id or name) in the string format"
    PRIORITY_UNKNOWN = "The priority selected is invalid."
    BAD_COMPONENT = "Component name '{value}' is not valid"
    BAD_COMPONENT_ID = "Component id '{value}' is not valid"
    BAD_VERSION = "Version name '{value}' is not valid"
    BAD_VERSION_ID = "Version id '{value}' is not valid"
    USER_UNKNOWN = "Specified user does not exist or you do not have required permissions"
    USER_NOT_FOUND = "User '{value}' does not exist."
    NOT_ASSIGNABLE = "User '{value}' cannot be assigned issues."
    GROUP_UNKNOWN = "Could not find group with name '{value}'"
    PROJECT_MISSING = "Specify a valid project ID or key"
    PROJECT_UNKNOWN = "valid project is required"
    NO_PERMISSION = "You cannot create issues in this project."
    TYPE_MISSING = "Specify an issue type"
    TYPE_UNKNOWN = "The issue type selected is invalid."
    PARENT_MISSING = "Issue type is a sub-task but parent issue key or id not specified."
    PARENT_UNKNOWN = "Could not find issue by id or key."
    PARENT_LEVEL = "Given parent work item does not belong to appropriate hierarchy."
    BAD_SPRINT = "Number value expected as the Sprint id."
    SPRINT_UNKNOWN = "Sprint with id '{value}' does not exist"
    BAD_ESTIMATE = "Original estimate is invalid."
    NOT_ON_SCREEN = "Field '{field}' cannot be set. It is not on the appropriate screen, or unknown."
    REQUIRED = "{field} is required."
    REQUIRED_SYSTEM = "Field '{field}' is required"
    TWICE = "Field '{field}' cannot be used in both 'fields' and 'update'."
    BAD_OPERATION = "The operation '{value}' is not supported for field '{field}'."
    NO_ISSUE = "Issue does not exist or you do not have permission to see it."
    NO_PROJECT = "No project could be found with key '{value}'."
    NO_TYPE = "No issue type could be found with id '{value}'."
    NO_PROPERTY = "The property with key '{value}' does not exist."
    NO_COMMENT = "Can not find a comment for the id: {value}."
    NO_LINK = "A remote link with the id '{value}' does not exist."
    NO_USER = "Specified user does not exist or you do not have required permissions."
    PROPERTY_KEY_LONG = "The property key length must not exceed 255 characters."
    PROPERTY_LONG = "The property value is too long; maximum length is 32768 characters."
    PROPERTY_EMPTY = "Property value cannot be empty."
    UNBOUNDED = "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."
    NO_VALUE = "The value '{value}' does not exist for the field '{field}'."
    NO_KEY = "An issue with key '{value}' does not exist for field '{field}'."
    NO_FIELD = "Field '{field}' does not exist or you do not have permission to view it."
    JQL_SYNTAX = "Error in the JQL Query: The character or word at position {value} is not expected."
    JQL_OPERATOR = "The operator '{value}' is not supported by the '{field}' field."
    JQL_DATE = "Date value '{value}' for field '{field}' is invalid."
    MAX_RESULTS = "The max results parameter has to be between 1 and 5,000."
    PAGE_UNKNOWN = "The provided next page token is invalid or has expired."
    RECONCILE = "The number of issues to reconcile must not exceed 50."
    PROPERTIES_MOST = "The number of properties must not exceed 5."
    PAGE_LIMIT = "Parameter 'maxResults' must not exceed the limit '{limit}'"
    BULK_LIMIT = "The number of issues to create must not exceed {limit}."
    FETCH_LIMIT = "The number of issues to fetch must be between 1 and 100."
    BAD_JSON = "There was an error parsing JSON. Check that your request body is valid."
    BAD_PAYLOAD = "Invalid request payload. Refer to the REST API documentation and try again."
    NOTHING_TO_EDIT = "one of 'fields' or 'update' required"
    NO_TRANSITION = "Missing 'transition' identifier"
    BAD_TRANSITION = "Transition id '{value}' is not valid for this issue."
    SUBTASKS = (
        "The issue '{value}' has subtasks. "
        "You must specify the 'deleteSubtasks' parameter to delete this issue and all its subtasks."
    )
    CONFLICT = "The issue was updated by somebody else at the same time. Try again."
    WORKFLOW = "The configuration of the project or its workflow does not allow this."
    TOO_MANY_PARTS = "The issue has reached the limit of its comments, worklogs, attachments or links."
    OVERRIDE = "You do not have permission to override screen security or editable flags."
    REMOVED = (
        "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. "
        "A full migration guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046"
    )
    UNAUTHENTICATED = "Client must be authenticated to access this resource."
    RATE_LIMITED = "Rate limit exceeded"
    ELEMENT_FAILED = "The issue could not be created."


_GERMAN = {
    Sentence.SUMMARY_MISSING: "Sie müssen eine Zusammenfassung für den Vorgang angeben.",
    Sentence.SUMMARY_LONG: "Die Zusammenfassung muss kürzer als {limit} Zeichen sein.",
    Sentence.TEXT_LONG: "Der eingegebene Text ist zu lang. Er überschreitet die Grenze von {limit} Zeichen.",
    Sentence.NOT_TEXT: "Der Vorgangswert muss eine Zeichenfolge sein",
    Sentence.NOT_DOCUMENT: "Der Vorgangswert muss ein Atlassian-Dokument sein (Atlassian Document Format)",
    Sentence.NOT_NUMBER: "Der Vorgangswert muss eine Zahl sein",
    Sentence.BAD_DATE: "Fehler beim Lesen des Datums: {value}",
    Sentence.BAD_CHOICE: "Geben Sie für {field} eine gültige 'id' oder einen gültigen 'name' an",
    Sentence.BAD_OPTION: "Der Optionswert '{value}' ist ungültig",
    Sentence.LABEL_SPACES: "Das Stichwort '{value}' enthält Leerzeichen und ist ungültig.",
    Sentence.USER_UNKNOWN: "Der Benutzer existiert nicht oder Sie haben nicht die nötigen Berechtigungen",
    Sentence.PROJECT_MISSING: "Geben Sie eine gültige Projekt-ID oder einen gültigen Projektschlüssel an",
    Sentence.PROJECT_UNKNOWN: "Ein gültiges Projekt ist erforderlich",
    Sentence.NO_PERMISSION: "Sie können in diesem Projekt keine Vorgänge erstellen.",
    Sentence.TYPE_MISSING: "Geben Sie einen Vorgangstyp an",
    Sentence.TYPE_UNKNOWN: "Der ausgewählte Vorgangstyp ist ungültig.",
    Sentence.NOT_ON_SCREEN: (
        "Das Feld '{field}' kann nicht festgelegt werden. "
        "Es ist nicht auf der entsprechenden Maske oder unbekannt."
    ),
    Sentence.REQUIRED: "{field} ist erforderlich.",
    Sentence.REQUIRED_SYSTEM: "Das Feld '{field}' ist erforderlich",
    Sentence.NO_ISSUE: "Der Vorgang existiert nicht oder Sie sind nicht berechtigt, ihn zu sehen.",
    Sentence.NO_VALUE: "Der Wert '{value}' existiert nicht für das Feld '{field}'.",
    Sentence.UNBOUNDED: "Unbegrenzte JQL-Abfragen sind hier nicht erlaubt. Schränken Sie die Suche ein.",
}


class RefusedError(Exception):
    """A value, a field or a request that Jira does not take, and the sentence it says so with."""

    def __init__(self, sentence: Sentence, **parts: object) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.parts = parts

    def text(self, language: str) -> str:
        """The sentence, filled in."""
        return say(self.sentence, language, **self.parts)


def say(sentence: Sentence, language: str, **parts: object) -> str:
    """The sentence in a language (`de…`, else English), filled in."""
    known = _GERMAN if language.startswith("de") else {}
    return (
        known.get(sentence, sentence.value).format(**parts) if parts else known.get(sentence, sentence.value)
    )
