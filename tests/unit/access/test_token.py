"""The administrator's token is read rarely, and a rotated one works at once."""

from rollcall.access.token import FRESH_SECONDS, KEPT_SECONDS, Tokens


class Secrets:
    """Secrets Manager with one secret."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.reads = 0

    def get_secret_value(self, SecretId: str) -> dict[str, str]:  # noqa: N803 - boto3's name
        assert SecretId == "arn"
        self.reads += 1
        return {"SecretString": self.token}


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_secret_is_kept_for_a_while() -> None:
    secrets, clock = Secrets("old"), Clock()
    tokens = Tokens(secrets, "arn", clock)
    assert all(tokens.allows("Bearer old") for _ in range(3))
    assert secrets.reads == 1
    clock.now = KEPT_SECONDS
    assert tokens.allows("Bearer old")
    assert secrets.reads == 2


def test_a_rotated_token_works_at_once_and_the_old_one_no_longer() -> None:
    secrets, clock = Secrets("old"), Clock()
    tokens = Tokens(secrets, "arn", clock)
    assert tokens.allows("Bearer old")
    secrets.token = "new"
    clock.now = FRESH_SECONDS
    assert tokens.allows("Bearer new")
    assert not tokens.allows("Bearer old")


def test_wrong_tokens_do_not_read_the_secret_each_time() -> None:
    secrets, clock = Secrets("old"), Clock()
    tokens = Tokens(secrets, "arn", clock)
    assert not any(tokens.allows(f"Bearer wrong{number}") for number in range(100))
    assert secrets.reads == 1


def test_what_is_no_bearer_reads_nothing() -> None:
    secrets = Secrets("old")
    tokens = Tokens(secrets, "arn", Clock())
    for header in (None, "", "Bearer", "Bearer ", "Basic old", "old", "Bearerold"):
        assert not tokens.allows(header)
    assert secrets.reads == 0
