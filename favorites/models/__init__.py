"""The tables. Each refuses what must never be, and says what it prevents."""

from favorites.models.consultation import Consultation, Intake, Message, Waiver
from favorites.models.engine import EngineBeat
from favorites.models.event import Audience, Kind, RequestEvent
from favorites.models.feature_flag import FeatureFlag
from favorites.models.money import CreditEntry, Payment, Plan
from favorites.models.people import Customer, CustomerFavorite, Mechanic, MechanicStatus, Role, SignIn, User, Workshop
from favorites.models.session_request import FallbackReason, RoutingType, SessionRequest, Status

__all__ = [
    "Audience",
    "Consultation",
    "CreditEntry",
    "Customer",
    "CustomerFavorite",
    "EngineBeat",
    "FallbackReason",
    "FeatureFlag",
    "Intake",
    "Kind",
    "Mechanic",
    "MechanicStatus",
    "Message",
    "Payment",
    "Plan",
    "RequestEvent",
    "Role",
    "RoutingType",
    "SessionRequest",
    "SignIn",
    "Status",
    "User",
    "Waiver",
    "Workshop",
]
