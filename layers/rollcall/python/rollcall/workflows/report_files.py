"""The files of reports in S3."""

import re

from botocore.exceptions import ClientError

from rollcall.aws import Aws

SECONDS = 900
"""A link to a file is good for so long."""
_ID = re.compile(r"[0-9a-f]{1,64}\.[a-z0-9_.]{1,200}")
_MISSING = frozenset({"404", "NoSuchKey", "NotFound"})


def report_key(report_id: str) -> str:
    """Where the report of that id is in the bucket."""
    execution, _, rest = report_id.partition(".")
    return f"reports/{execution}/{rest}.csv"


class Reports:
    """The bucket that reports are in."""

    def __init__(self, aws: Aws, bucket: str) -> None:
        self._aws = aws
        self._bucket = bucket

    def url(self, report_id: str) -> str | None:
        """Where the report can be fetched, for `SECONDS`; None where there is none."""
        if _ID.fullmatch(report_id) is None:
            return None
        place = {"Bucket": self._bucket, "Key": report_key(report_id)}
        try:
            self._aws.s3.head_object(**place)
        except ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                return None
            raise
        name = f'attachment; filename="report-{report_id}.csv"'
        wanted = {**place, "ResponseContentDisposition": name, "ResponseContentType": "text/csv"}
        url: str = self._aws.s3.generate_presigned_url(
            "get_object", Params=wanted, ExpiresIn=SECONDS
        )
        return url
