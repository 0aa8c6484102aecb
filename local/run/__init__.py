"""`make run`: the whole product on one machine, with two sample apps.

samples     the sample apps, each a process of its own
caller      the HTTP API, as any program outside would call it
connecting  credentials, integrations, test, launch
following   runs, followed until they end
roster      what the API says who holds, as tables
screen      what is told on the way, on a terminal and in a pipe
"""


class RunError(Exception):
    """It cannot go on; the message says in one line what failed, why, and what to do."""


class Stopped(Exception):  # noqa: N818 - nobody's error
    """Somebody asked to stop."""
