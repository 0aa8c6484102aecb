"""Properties are checked without a clock and from a fixed seed, however slow the machine.

The examples still depend on which modules are loaded: hypothesis draws from their constants. What
fails only in a run of every test fails again with `pytest -m hypothesis`.
"""

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
