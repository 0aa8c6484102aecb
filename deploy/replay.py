"""Publish the events that were parked because the bus did not take them."""

import argparse
import sys

import boto3
from aws_lambda_powertools import Logger

from deploy.teardown import Session, outputs_of, stack_name
from rollcall.events.feed import Feed
from rollcall.events.publishing import Publisher
from rollcall.events.replay import Replayed, replay
from rollcall.tables import Table


def replay_parked(session: Session, stack: str) -> Replayed:
    """Replay what the deployment has parked. Safe to repeat."""
    outputs = outputs_of(session, stack)
    sqs, dynamodb = session.client("sqs"), session.client("dynamodb")
    queue = outputs["ParkedEvents"]
    bus, logger = outputs["EventBus"], Logger(service="replay")
    publisher = Publisher(session.client("events"), sqs, bus, queue, logger)
    config, directory = (
        Table(dynamodb, outputs[f"{name}Table"]) for name in ("Config", "Directory")
    )
    return replay(sqs, queue, publisher, Feed(publisher, config, directory))


def main() -> int:
    """Replay for the deployment that --env names; fails where something stays parked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env", default="dev", help="section of samconfig.toml")
    told = replay_parked(boto3.Session(), stack_name(parser.parse_args().env))
    print(f"{told.published} published, {told.failed} parked again")
    return 1 if told.failed else 0


if __name__ == "__main__":
    sys.exit(main())
