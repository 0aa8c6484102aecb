"""What a batch keeps outside the tables: its rows in S3, what is secret of them in Secrets Manager.

| object                                    | what it is                                |
|-------------------------------------------|-------------------------------------------|
| uploads/integration/preset/upload id.csv  | a file that was uploaded, until it is taken |
| batches/batch id/attempt.json             | the rows of a try, without what is secret |

A secret is `<prefix>batches/<batch id>/<number>`, or `…/overrides`. S3 forgets by itself: see the
template.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rollcall.aws import Aws, Client
from rollcall.batches.store import Batch

LARGEST_UPLOAD = 20_000_000
"""Bytes of a CSV file."""
UPLOAD_SECONDS = 900
"""An upload's URL is good for so long."""
_REMEMBERED = 8
"""Secrets of 60 kB that a warm function keeps in memory."""

Items = list[dict[str, Any]]


class TooLarge(Exception):  # noqa: N818 - it is the caller's file that is
    """The file is larger than `LARGEST_UPLOAD`."""


def rows_key(batch: Batch) -> str:
    """Where the rows of this try are."""
    return f"batches/{batch.id}/{batch.attempt}.json"


class BatchFiles:
    """The bucket of batches."""

    def __init__(self, aws: Aws, bucket: str) -> None:
        self._aws = aws
        self._bucket = bucket

    def upload_url(self, key: str) -> str:
        """A URL that takes one PUT of a CSV file."""
        place = {"Bucket": self._bucket, "Key": key, "ContentType": "text/csv"}
        url: str = self._aws.s3.generate_presigned_url(
            "put_object", Params=place, ExpiresIn=UPLOAD_SECONDS
        )
        return url

    def upload(self, key: str) -> bytes | None:
        """The file that was uploaded; None where there is none. Raises TooLarge."""
        try:
            answer = self._aws.s3.get_object(Bucket=self._bucket, Key=key)
        except self._aws.s3.exceptions.NoSuchKey:
            return None
        with answer["Body"] as body:
            if answer["ContentLength"] > LARGEST_UPLOAD:
                raise TooLarge
            content: bytes = body.read()
            return content

    def drop(self, key: str) -> None:
        """Delete an upload, if it is there."""
        self._aws.s3.delete_object(Bucket=self._bucket, Key=key)

    def save(self, batch: Batch, items: Items) -> None:
        """Keep the rows of this try."""
        body = json.dumps(items, ensure_ascii=False).encode()
        self._aws.s3.put_object(
            Bucket=self._bucket, Key=rows_key(batch), Body=body, ContentType="application/json"
        )

    def first(self, batch: Batch) -> Items | None:
        """The rows of the first try, which are all; None where S3 has forgotten them."""
        key = f"batches/{batch.id}/1.json"
        try:
            answer = self._aws.s3.get_object(Bucket=self._bucket, Key=key)
        except self._aws.s3.exceptions.NoSuchKey:
            return None
        items: Items = json.loads(answer["Body"].read())
        return items


class BatchSecrets:
    """What is secret of batches, read once for many rows by a warm function."""

    def __init__(self, secretsmanager: Client, prefix: str) -> None:
        self._secretsmanager = secretsmanager
        self._prefix = f"{prefix}batches/"
        self._known: dict[str, Any] = {}

    def save(self, batch: Batch, chunks: Sequence[str], overrides: Mapping[str, Any]) -> None:
        """Keep what is secret of its rows, chunk by chunk, and its overrides; safe to repeat."""
        held = {str(number): text for number, text in enumerate(chunks)}
        held |= {"overrides": json.dumps(dict(overrides))} if overrides else {}
        for name, text in held.items():
            secret_id = f"{self._prefix}{batch.id}/{name}"
            try:
                self._secretsmanager.create_secret(
                    Name=secret_id, Description="Of a batch of Rollcall", SecretString=text
                )
            except self._secretsmanager.exceptions.ResourceExistsException:
                self._secretsmanager.put_secret_value(SecretId=secret_id, SecretString=text)

    def inputs(self, batch: Batch, row: int) -> Mapping[str, Any] | None:
        """What is secret of a row's inputs; None where it is gone."""
        chunk = batch.chunk(row)
        if chunk is None or chunk < 0:
            return {}
        found = self._read(f"{batch.id}/{chunk}")
        return None if found is None else found.get(str(row), {})

    def overrides(self, batch: Batch) -> Mapping[str, Any] | None:
        """The batch's overrides, whole; None where they are gone."""
        found: Mapping[str, Any] | None = self._read(f"{batch.id}/overrides")
        return found

    def delete(self, batch: Batch) -> None:
        """Delete all of them for good; safe to repeat."""
        names = [str(number) for number in range(len(batch.secret_starts))]
        for name in [*names, *(["overrides"] if batch.overrides else [])]:
            try:
                self._secretsmanager.delete_secret(
                    SecretId=f"{self._prefix}{batch.id}/{name}", ForceDeleteWithoutRecovery=True
                )
            except self._secretsmanager.exceptions.ResourceNotFoundException:
                continue

    def _read(self, name: str) -> Any:
        if name not in self._known:
            try:
                answer = self._secretsmanager.get_secret_value(SecretId=f"{self._prefix}{name}")
            except self._secretsmanager.exceptions.ResourceNotFoundException:
                return None
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[name] = json.loads(answer["SecretString"])
        return self._known[name]
