"""Who plays in the demo: one password, e-mail addresses by first name."""

from typing import NamedTuple

from favorites.models import MechanicStatus, Role

PASSWORD = "book-again-demo"
HARBOR_GARAGE = ("harbor-garage", "Harbor Garage")


class Person(NamedTuple):
    """Somebody who can sign in; `page` is where they begin, `about` the login table's words."""

    first_name: str
    last_name: str
    role: Role
    about: str
    credits: int = 0
    favorites: tuple[str, ...] = ()
    status: MechanicStatus = MechanicStatus.APPROVED
    is_of_harbor_garage: bool = False

    @property
    def email(self) -> str:
        return f"{self.first_name.lower()}@demo.test"

    @property
    def page(self) -> str:
        return "/admin" if self.role is Role.ADMIN else f"/{self.role}/dashboard"


ANA = Person("Ana", "Castillo", Role.CUSTOMER, "books Marco or Nadia again; 40 credits", 40, ("Marco", "Nadia"))
BEN = Person("Ben", "Okafor", Role.CUSTOMER, "books Omar again; 20 credits and a free session", 20, ("Omar",))
CHLOE = Person("Chloe", "Martin", Role.CUSTOMER, "has no favorites yet; 3 credits", 3)
MARCO = Person("Marco", "Rossi", Role.MECHANIC, "Ana's favorite")
NADIA = Person("Nadia", "Haddad", Role.MECHANIC, "Ana's other favorite")
OMAR = Person("Omar", "Farouk", Role.MECHANIC, "Ben's favorite")
RITA = Person(
    "Rita", "Solberg", Role.MECHANIC, "of Harbor Garage, whose link is /w/harbor-garage", is_of_harbor_garage=True
)
ZED = Person("Zed", "Novak", Role.MECHANIC, "waits for approval", status=MechanicStatus.PENDING)
OLGA = Person("Olga", "Petrova", Role.ADMIN, "the owner")

CAST = (ANA, BEN, CHLOE, MARCO, NADIA, OMAR, RITA, ZED, OLGA)
