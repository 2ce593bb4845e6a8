"""What may be typed into a field, and the sentence at it when it may not; once for every form and for JSON."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, ValidationError
from pydantic_core import PydanticCustomError

from favorites.dispatch.vehicles import is_known
from favorites.web.choice import printable, routing

PHONE = re.compile(r"[0-9+()\-\s]{7,}")
VIN = re.compile(r"[A-Z0-9]{17}")
FIRST_YEAR, MOST_ON_THE_ODOMETER = 1900, 9_999_999

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


def text_of(most: int, least: int = 0) -> StringConstraints:
    """Text of so many characters, without the space around it."""
    return StringConstraints(strip_whitespace=True, min_length=least, max_length=most)


def _saved(value: object) -> object:
    """The id of a saved car; empty: another one."""
    try:
        return UUID(str(value)) if value else None
    except ValueError:
        raise sentence("Please choose one of your saved cars.") from None


Line = AfterValidator(_one_line)
Lines = AfterValidator(_lines)
Name = Annotated[str, text_of(100, 1), Line]
Email = Annotated[str, text_of(254, 1), Line, AfterValidator(_email)]
Phone = Annotated[str, text_of(40, 1), Line, AfterValidator(_phone)]
Odometer = Annotated[Annotated[int, Field(ge=0, le=MOST_ON_THE_ODOMETER)] | None, BeforeValidator(_number)]

# Of a car.
Year = Annotated[Annotated[int, Field(ge=FIRST_YEAR), AfterValidator(_year)] | None, BeforeValidator(_number)]
Make = Annotated[str, text_of(60), Line]
Vin = Annotated[str, text_of(40), Line, AfterValidator(_vin), Field(validate_default=True)]
Plate = Annotated[str, text_of(20), Line]
Saved = Annotated[UUID | None, BeforeValidator(_saved)]
Short = Annotated[str, Field(max_length=64)]
Id = Annotated[Short | None, BeforeValidator(_free(printable))]
Routing = Annotated[Short | None, BeforeValidator(_free(routing))]


def refuse_unknown(car: Mapping[str, Any]) -> None:
    """Raises the sentence for a car that nobody could tell from others; waits for fields that are wrong already."""
    if {"vin", "year", "make", "model"} <= car.keys() and not is_known(car):
        raise sentence("Please give the VIN, or year, make and model.")


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
