"""What begins executions, on the local AWS with a real state machine."""

from tests.integration.sync.conftest import house, local_aws, settings

__all__ = ["house", "local_aws", "settings"]
