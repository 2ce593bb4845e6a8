"""The intake: one model for the JSON and the form, so the limits stand once."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator, model_validator

from favorites.dispatch.vehicles import CAR
from favorites.web.fields import (
    Email,
    Id,
    Line,
    Lines,
    Make,
    Name,
    Odometer,
    Phone,
    Plate,
    Routing,
    Saved,
    Vin,
    Year,
    refuse_unknown,
    sentence,
    text_of,
)

CONCERN, CONCERN_WHEN_URGENT = 10, 5  # least characters


class IntakeForm(BaseModel):
    """What the customer tells about themselves, the car and the concern, and what they chose before.

    A field's rule may look at those above it; so every mistake is told at once, each at its own field.
    """

    model_config = ConfigDict(extra="forbid")

    vehicle_id: Saved = None
    name: Name
    email: Email
    phone: Phone
    city: Annotated[str, text_of(100), Line] = ""
    urgent: bool = False
    year: Year = None
    make: Make = ""
    model: Make = ""
    vin: Vin = ""
    odometer: Odometer = None
    plate: Plate = ""
    save_vehicle: bool = False
    concern: Annotated[str, text_of(2000, 1), Lines]
    plan: Annotated[str, text_of(40, 1), Line]
    preferred_mechanic_id: Id = None
    routing_type: Routing = None
    form_key: Id = None

    @model_validator(mode="before")
    @classmethod
    def saved_car_stands_alone(cls, told: Any) -> Any:
        """Of a saved car nothing needs to be typed, and what was typed of another one cannot be wrong."""
        if isinstance(told, dict) and told.get("vehicle_id"):
            return {name: value for name, value in told.items() if name not in CAR}
        return told

    @field_validator("vin")
    @classmethod
    def car_is_known(cls, vin: str, info: ValidationInfo) -> str:
        """Who is not in a hurry says which car it is."""
        told = info.data
        if {"urgent", "vehicle_id"} <= told.keys() and not (told["urgent"] or told["vehicle_id"]):
            refuse_unknown({**told, "vin": vin})
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
        return self.model_dump(include={*CAR, "name", "email", "phone", "city", "odometer", "concern", "urgent"})


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
