"""A car that is to be saved, by the rules of the intake."""

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator

from favorites.web.fields import Make, Plate, Vin, Year, refuse_unknown


class VehicleForm(BaseModel):
    """What is kept of a car."""

    model_config = ConfigDict(extra="forbid")

    year: Year = None
    make: Make = ""
    model: Make = ""
    vin: Vin = ""
    plate: Plate = ""

    @field_validator("vin")
    @classmethod
    def car_is_known(cls, vin: str, info: ValidationInfo) -> str:
        """By the VIN, or by all that it has instead of one."""
        refuse_unknown({**info.data, "vin": vin})
        return vin
