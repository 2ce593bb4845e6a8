"""The intake: one model for the JSON and the form, so the limits stand once."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

from email_validator import EmailNotValidError, validate_email
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from favorites.web.choice import printable, routing

PHONE = re.compile(r"[0-9+()\-\s]{7,}")
VIN = re.compile(r"[A-Z0-9]{17}")
FIRST_YEAR, MOST_ON_THE_ODOMETER = 1900, 9_999_999
CONCERN, CONCERN_WHEN_URGENT = 10, 5  # least characters

# What pydantic says in its own words is told in ours.
WORDS: dict[str, Callable[[dict[str, Any]], str]] = {
    "missing": lambda _: "Please fill this in.",
    "string_too_short": lambda _: "Please fill this in.",
    "string_too_long": lambda context: f"Please keep it to {context['max_length']:,} characters.",
    "greater_than_equal": lambda context: f"Please give a number from {context['ge']} on.",
    "less_than_equal": lambda context: f"Please give a number up to {context['le']:,}.",
    "extra_forbidden": lambda _: "This field is not known here.",
    "bool_parsing": lambda _: "Please answer yes or no.",
}


def sentence(text: str) -> PydanticCustomError:
    """A mistake in words a person reads."""
    return PydanticCustomError("sentence", "{text}", {"text": text})


def _one_line(text: str) -> str:
    if not text.isprintable():
        raise sentence("Please use letters, numbers and signs only.")
    return text


def _lines(text: str) -> str:
    text = text.replace("\r\n", "\n")
    if not all(character.isprintable() or character in "\n\t" for character in text):
        raise sentence("Please use letters, numbers and signs only.")
    return text


def _phone(text: str) -> str:
    if not PHONE.fullmatch(text):
        raise sentence("Please give a phone number: 7 or more digits, and + ( ) - if you like.")
    return text


def _email(text: str) -> str:
    try:
        return validate_email(text, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError:
        raise sentence("Please give an e-mail address like name@example.com.") from None


def _vin(text: str) -> str:
    if text and not VIN.fullmatch(text.upper()):
        raise sentence("A VIN has exactly 17 letters and digits.")
    return text.upper()


def _year(year: int) -> int:
    if year > datetime.now(UTC).year + 1:
        raise sentence("Please give the year the car was made in.")
    return year


def _number(value: object) -> object:
    if isinstance(value, bool):
        raise sentence("Please give a whole number.")
    return (value.strip().replace(",", "") or None) if isinstance(value, str) else value


def _free(clean: Callable[[str], str | None]) -> Callable[[object], str | None]:
    """A choice by text or number that is never wrong; a list or an object is."""

    def cleaned(value: object) -> str | None:
        if value is None or isinstance(value, str | int | float):
            return None if value is None else clean(str(value))
        raise sentence("Please send text.")

    return cleaned


def _text(most: int, least: int = 0) -> StringConstraints:
    return StringConstraints(strip_whitespace=True, min_length=least, max_length=most)


Line = AfterValidator(_one_line)
Year = Annotated[int, Field(ge=FIRST_YEAR), AfterValidator(_year)]
Odometer = Annotated[int, Field(ge=0, le=MOST_ON_THE_ODOMETER)]
Short = Annotated[str, Field(max_length=64)]
Id = Annotated[Short | None, BeforeValidator(_free(printable))]
Routing = Annotated[Short | None, BeforeValidator(_free(routing))]


class IntakeForm(BaseModel):
    """What the customer tells about themselves, the car and the concern, and what they chose before.

    A field's rule may look at those above it; so every mistake is told at once, each at its own field.
    """

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, _text(100, 1), Line]
    email: Annotated[str, _text(254, 1), Line, AfterValidator(_email)]
    phone: Annotated[str, _text(40, 1), Line, AfterValidator(_phone)]
    city: Annotated[str, _text(100), Line] = ""
    urgent: bool = False
    year: Annotated[Year | None, BeforeValidator(_number)] = None
    make: Annotated[str, _text(60), Line] = ""
    model: Annotated[str, _text(60), Line] = ""
    vin: Annotated[str, _text(40), Line, AfterValidator(_vin), Field(validate_default=True)] = ""
    odometer: Annotated[Odometer | None, BeforeValidator(_number)] = None
    plate: Annotated[str, _text(20), Line] = ""
    concern: Annotated[str, _text(2000, 1), AfterValidator(_lines)]
    plan: Annotated[str, _text(40, 1), Line]
    preferred_mechanic_id: Id = None
    routing_type: Routing = None
    form_key: Id = None

    @field_validator("vin")
    @classmethod
    def car_is_known(cls, vin: str, info: ValidationInfo) -> str:
        """Who is not in a hurry says which car it is."""
        told = info.data
        was_wrong = not {"urgent", "year", "make", "model"} <= told.keys()
        if not (vin or was_wrong or told["urgent"] or (told["year"] and told["make"] and told["model"])):
            raise sentence("Please give the VIN, or year, make and model.")
        return vin

    @field_validator("concern")
    @classmethod
    def concern_is_told(cls, concern: str, info: ValidationInfo) -> str:
        """Enough for a mechanic to think about."""
        least = CONCERN_WHEN_URGENT if info.data.get("urgent") else CONCERN
        if len(concern) < least:
            raise sentence(f"Please tell a little more: {least} characters or more.")
        return concern

    @property
    def intake(self) -> dict[str, Any]:
        """What is stored as the intake."""
        return self.model_dump(exclude={"plan", "preferred_mechanic_id", "routing_type", "form_key"})


class Malformed(Exception):
    """The body is no JSON object."""


def from_json(body: bytes) -> IntakeForm:
    """Read a JSON body. Raises `Malformed`, or `ValidationError` for `mistakes_of`."""
    try:
        return IntakeForm.model_validate_json(body)
    except ValidationError as error:
        if any(not mistake["loc"] for mistake in error.errors(include_url=False)):
            raise Malformed from None
        raise


def every_field(given: dict[str, Any]) -> dict[str, Any]:
    """`given` with None for each field it does not have, as the page wants it."""
    return {**dict.fromkeys(IntakeForm.model_fields), **given}


def mistakes_of(error: ValidationError) -> dict[str, str]:
    """Field → the first sentence about it."""
    mistakes: dict[str, str] = {}
    for mistake in error.errors(include_url=False, include_input=False):
        mistakes.setdefault(str(mistake["loc"][0]), _told(mistake["type"], mistake.get("ctx", {}), mistake["msg"]))
    return mistakes


def _told(kind: str, context: dict[str, Any], message: str) -> str:
    if kind in WORDS:
        return WORDS[kind](context)
    if kind.startswith(("int", "finite")):
        return "Please give a whole number."
    return message if kind == "sentence" else "Please send text."
