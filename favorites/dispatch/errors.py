"""What can be refused. Each docstring is the sentence the person reads; `code` is for programs, `status` for HTTP."""

from typing import ClassVar
from uuid import UUID


class Refusal(Exception):
    """That is not possible."""

    code: ClassVar[str] = "REFUSED"
    status: ClassVar[int] = 409

    @property
    def sentence(self) -> str:
        """What the person reads."""
        return " ".join((self.__doc__ or "").split())


class NotFound(Refusal):
    """There is nothing here."""

    code = "NOT_FOUND"
    status = 404


class NotAllowed(Refusal):
    """This is not yours to do."""

    code = "NOT_ALLOWED"
    status = 403


class AlreadyTaken(Refusal):
    """Another mechanic was quicker."""

    code = "TAKEN"


class AlreadyCancelled(Refusal):
    """The customer cancelled it."""

    code = "CANCELLED"


class AlreadyExpired(Refusal):
    """Nobody took it in time, so it expired."""

    code = "EXPIRED"


class AlreadyDeclined(Refusal):
    """You declined it, or it was taken back from you."""

    code = "DECLINED"


class HasActiveSession(Refusal):
    """You are on a job. Complete or release it first."""

    code = "MECHANIC_HAS_ACTIVE_SESSION"


class HasOpenRequest(Refusal):
    """You already have an open session request."""

    code = "CUSTOMER_HAS_OPEN_REQUEST"

    def __init__(self, request_id: UUID | None = None) -> None:
        super().__init__()
        self.request_id = request_id


class NotOffered(Refusal):
    """Your time to answer first is over; everyone has been asked."""

    code = "NOT_OFFERED"


class AlreadyStarted(Refusal):
    """The consultation has started; it can only be completed now."""

    code = "STARTED"


class NotStarted(Refusal):
    """The consultation has not started yet."""

    code = "NOT_STARTED"


class TooEarly(Refusal):
    """Please give your mechanic a little more time."""

    code = "TOO_EARLY"


class AlreadyOver(Refusal):
    """The consultation is over."""

    code = "OVER"


class NotExpired(Refusal):
    """Only a session request that expired can be asked again."""

    code = "NOT_EXPIRED"


class NotEnoughCredits(Refusal):
    """You do not have enough credits for this plan."""

    code = "NOT_ENOUGH_CREDITS"


class FreePlanUsed(Refusal):
    """You have used your free session. Please choose another plan."""

    code = "FREE_PLAN_USED"


class NotConfirmed(Refusal):
    """Please confirm your e-mail address first; we sent you a link."""

    code = "EMAIL_NOT_CONFIRMED"


class PlanNotAvailable(Refusal):
    """This plan is not available."""

    code = "PLAN_NOT_AVAILABLE"


class NotPaid(Refusal):
    """The payment has not been confirmed."""

    code = "NOT_PAID"


class NotSigned(Refusal):
    """Please sign the consultation agreement first."""

    code = "WAIVER_NOT_SIGNED"
