"""The tables. Each refuses what must never be, and says what it prevents."""

from favorites.models.consultation import Consultation, Intake, Message, Photo, SessionRead, Waiver
from favorites.models.engine import EngineBeat, EngineProcess, ProcessKind
from favorites.models.event import Audience, Kind, RequestEvent
from favorites.models.feature_flag import FeatureFlag
from favorites.models.house_rules import house_rules
from favorites.models.mail import Mail
from favorites.models.money import CreditEntry, Payment, PaymentEvent, Plan
from favorites.models.owner_event import OwnerEvent, OwnerKind
from favorites.models.people import Customer, CustomerFavorite, Mechanic, MechanicStatus, Role, SignIn, User, Workshop
from favorites.models.push import PushSending, PushSubscription, SendingState
from favorites.models.session_request import FallbackReason, RoutingType, SessionRequest, Status
from favorites.models.vehicle import Vehicle

__all__ = [
    "Audience",
    "Consultation",
    "CreditEntry",
    "Customer",
    "CustomerFavorite",
    "EngineBeat",
    "EngineProcess",
    "FallbackReason",
    "FeatureFlag",
    "Intake",
    "Kind",
    "Mail",
    "Mechanic",
    "MechanicStatus",
    "Message",
    "OwnerEvent",
    "OwnerKind",
    "Payment",
    "PaymentEvent",
    "Photo",
    "Plan",
    "ProcessKind",
    "PushSending",
    "PushSubscription",
    "RequestEvent",
    "Role",
    "RoutingType",
    "SendingState",
    "SessionRead",
    "SessionRequest",
    "SignIn",
    "Status",
    "User",
    "Vehicle",
    "Waiver",
    "Workshop",
    "house_rules",
]
