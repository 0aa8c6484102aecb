"""boto3 reads what it knows of AWS once a process: every test opens sessions of its own."""

from functools import cache

import botocore.loaders
import botocore.session

botocore.session.create_loader = cache(botocore.loaders.create_loader)
