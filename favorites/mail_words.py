"""The signed word in the link that ends mails by one press: whoever has it may choose for that person, and no more."""

from uuid import UUID

from itsdangerous import BadSignature, URLSafeSerializer

from favorites.settings import Settings, secret_key


def word_for(settings: Settings, user_id: UUID) -> str:
    """For this person; it does not expire, since a mail may be read years later."""
    return str(_signer(settings).dumps(str(user_id)))


def person_of(settings: Settings, word: str) -> UUID | None:
    """Whose word it is; None: nobody's."""
    try:
        return UUID(_signer(settings).loads(word))
    except (BadSignature, ValueError):
        return None


def _signer(settings: Settings) -> URLSafeSerializer:
    keys = [*reversed(settings.secret_key_fallbacks), secret_key(settings)]  # the oldest first, as it wants them
    return URLSafeSerializer(keys, salt="who wants mail")
