"""The administrator's token: a secret in Secrets Manager that every call carries as a bearer."""

import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass

from rollcall.aws import Client

KEPT_SECONDS = 300
"""A token is compared with what was read at most this long ago."""
FRESH_SECONDS = 5
"""A refused token is compared with a fresh read, but no more often than this."""


@dataclass(frozen=True, slots=True)
class _Read:
    token: bytes
    at: float


class Tokens:
    """Compares tokens, reading the secret as rarely as a rotation allows."""

    def __init__(
        self, secretsmanager: Client, secret_arn: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._secretsmanager = secretsmanager
        self._secret_arn = secret_arn
        self._clock = clock
        self._read: _Read | None = None

    def allows(self, authorization: str | None) -> bool:
        """Does this header carry the token? Anything that is no `Bearer <token>` does not.

        Raises botocore's ClientError when the secret cannot be read.
        """
        scheme, _, token = (authorization or "").strip().partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            return False
        given = token.encode("utf-8", "surrogatepass")
        if hmac.compare_digest(given, self._token(KEPT_SECONDS)):
            return True
        return hmac.compare_digest(given, self._token(FRESH_SECONDS))

    def _token(self, seconds: float) -> bytes:
        if self._read is None or self._clock() - self._read.at >= seconds:
            answer = self._secretsmanager.get_secret_value(SecretId=self._secret_arn)
            self._read = _Read(answer["SecretString"].encode(), self._clock())
        return self._read.token
