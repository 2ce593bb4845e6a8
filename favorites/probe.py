"""The signed ticket by which `flask doctor` may open the probe stream; whoever has no key of ours makes none."""

from itsdangerous import BadSignature, URLSafeTimedSerializer

from favorites.settings import Settings, secret_key

HOLDS = 60  # seconds
APART = 0.3  # seconds between the two events of the probe


def ticket(settings: Settings) -> str:
    """A new one."""
    return str(_signer(settings).dumps("probe"))


def is_good(settings: Settings, sent: str) -> bool:
    """Whether it is one of ours, and young."""
    try:
        _signer(settings).loads(sent, max_age=HOLDS)
    except BadSignature:
        return False
    return True


def _signer(settings: Settings) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret_key(settings), salt="probe of the proxy")
