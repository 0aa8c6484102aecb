"""The files of reports in S3: `reports/<report id>.csv`."""

import re

from botocore.exceptions import ClientError

from rollcall.aws import Aws

SECONDS = 900
"""A link to a file is good for so long."""
_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
_MISSING = frozenset({"404", "NoSuchKey", "NotFound"})


class Reports:
    """The bucket that reports are in."""

    def __init__(self, aws: Aws, bucket: str) -> None:
        self._aws = aws
        self._bucket = bucket

    def url(self, report_id: str) -> str | None:
        """Where the report can be fetched, for `SECONDS`; None where there is none."""
        if _ID.fullmatch(report_id) is None:
            return None
        place = {"Bucket": self._bucket, "Key": f"reports/{report_id}.csv"}
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
