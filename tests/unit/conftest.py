"""Properties are checked with the same examples everywhere, however slow the machine."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "rollcall",
    database=None,
    deadline=None,
    derandomize=True,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("rollcall")
