"""What a deployment decides, read from the environment once per function."""

from collections.abc import Mapping
from dataclasses import dataclass

CALL_SECONDS = 25.0


@dataclass(frozen=True, slots=True)
class Settings:
    """The names and limits that template.yaml hands to every function.

    `secret_prefix` ends with a slash; `allow_hosts` are the hosts that may be called over plain
    http at a private address; `run_days` is how long runs and what they saw are kept;
    `notice_topic` is the SNS topic that tells contacts of runs (empty: nobody is told);
    `call_seconds` is how long a call of an app may take.
    """

    stack_name: str
    config_table: str
    directory_table: str
    runs_table: str
    secret_prefix: str
    allow_hosts: frozenset[str]
    run_days: int
    notice_topic: str = ""
    call_seconds: float = CALL_SECONDS

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the settings; a variable that is missing is a KeyError that names it."""
        return cls(
            stack_name=environment["STACK_NAME"],
            config_table=environment["CONFIG_TABLE"],
            directory_table=environment["DIRECTORY_TABLE"],
            runs_table=environment["RUNS_TABLE"],
            secret_prefix=environment["SECRET_PREFIX"],
            allow_hosts=frozenset(
                host.strip().lower()
                for host in environment["ALLOW_HOSTS"].split(",")
                if host.strip()
            ),
            run_days=int(environment["RUN_DAYS"]),
            notice_topic=environment.get("NOTICE_TOPIC_ARN", ""),
        )
