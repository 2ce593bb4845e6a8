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


class AlreadyAccepted(Refusal):
    """A mechanic has accepted it already."""

    code = "ACCEPTED"


class NoTimeRuns(Refusal):
    """No time runs for everyone now, so there is none to make longer."""

    code = "NO_TIME_RUNS"


class AlreadyDeclined(Refusal):
    """You declined it, or it was taken back from you."""

    code = "DECLINED"


class HasActiveSession(Refusal):
    """You are on a job. Complete or release it first."""

    code = "MECHANIC_HAS_ACTIVE_SESSION"


class OnAJob(Refusal):
    """This mechanic is on a job."""

    code = "MECHANIC_HAS_ACTIVE_SESSION"


class NotEligible(Refusal):
    """This mechanic cannot take it: they are not approved, or not of the workshop that alone is asked."""

    code = "NOT_ELIGIBLE"


class SaidNo(Refusal):
    """This mechanic declined it, or it was taken back from them."""

    code = "SAID_NO"


class HasOpenRequest(Refusal):
    """You already have an open session request."""

    code = "CUSTOMER_HAS_OPEN_REQUEST"

    def __init__(self, request_id: UUID | None = None) -> None:
        super().__init__()
        self.request_id = request_id


class NotOffered(Refusal):
    """Your time to answer first is over; everyone has been asked."""

    code = "NOT_OFFERED"


class WindowIsFull(Refusal):
    """Your time to answer first cannot be any longer."""

    code = "WINDOW_IS_FULL"


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


class NotSoManyCredits(Refusal):
    """They do not have so many credits; nothing was taken back."""

    code = "NOT_SO_MANY_CREDITS"


class FreePlanUsed(Refusal):
    """You have used your free session. Please choose another plan."""

    code = "FREE_PLAN_USED"


class NotConfirmed(Refusal):
    """Please confirm your e-mail address first; we sent you a link."""

    code = "EMAIL_NOT_CONFIRMED"


class PlanNotAvailable(Refusal):
    """This plan is not available."""

    code = "PLAN_NOT_AVAILABLE"


class AlreadyPaid(Refusal):
    """This is paid for already."""

    code = "ALREADY_PAID"


class ProviderIsAway(Refusal):
    """The payment page cannot be reached right now. Nothing was taken; please try again in a moment."""

    code = "PAYMENTS_ARE_AWAY"
    status = 503


class NotPaid(Refusal):
    """The payment has not been confirmed."""

    code = "NOT_PAID"


class NothingPaid(Refusal):
    """Nothing was paid for it, so there is nothing to give back."""

    code = "NOTHING_PAID"


class GivenBack(Refusal):
    """What was paid is on its way back, or was given back before."""

    code = "GIVEN_BACK"


class Disputed(Refusal):
    """The customer’s bank has taken this payment back. Answer it at the payment provider."""

    code = "DISPUTED"


class NotSigned(Refusal):
    """Please sign the consultation agreement first."""

    code = "WAIVER_NOT_SIGNED"


class VehicleGone(Refusal):
    """This car is no longer among your saved cars. Please choose another."""

    code = "VEHICLE_NOT_FOUND"


class VehicleKnown(Refusal):
    """You have saved this car already."""

    code = "VEHICLE_KNOWN"


class TooManyVehicles(Refusal):
    """You have saved as many cars as there can be. Remove one first."""

    code = "TOO_MANY_VEHICLES"


class TalkIsClosed(Refusal):
    """This talk is closed: it can be read, and nothing can be added any more."""

    code = "TALK_CLOSED"


class TooLong(Refusal):
    """Please write something, and no more than 2,000 characters."""

    code = "TOO_LONG"
    status = 422


class NotAPhoto(Refusal):
    """This is no photo that can be read here. Please send a JPEG, PNG or WebP."""

    code = "NOT_A_PHOTO"
    status = 422


class PhotoTooLarge(Refusal):
    """This photo is too large: 10 MB and 50 million pixels are the most."""

    code = "PHOTO_TOO_LARGE"
    status = 413


class TooManyPhotos(Refusal):
    """There are 20 photos in this consultation, and that is as many as it holds."""

    code = "TOO_MANY_PHOTOS"


class PhotosAreBusy(Refusal):
    """Many photos are coming in right now. Please send this one again in a moment."""

    code = "BUSY"
    status = 503


class NotOverYet(Refusal):
    """There is a session request that is not over yet. Complete it, cancel it or give it back first."""

    code = "NOT_OVER_YET"


class LastOwner(Refusal):
    """This is the only owner. Make somebody else an owner first."""

    code = "LAST_OWNER"
