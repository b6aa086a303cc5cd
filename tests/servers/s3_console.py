"""Does by boto3 what a person would at the store's own console; a line of JSON, an answer.

Run by the Python that `scripts/environment s3` prints: it has boto3, the tests have not.
"""

import base64
import json
import sys

import boto3

for line in sys.stdin:
    asked = json.loads(line)
    body = asked["arguments"].get("Body")
    if body is not None:
        asked["arguments"]["Body"] = base64.b64decode(body)
    client = boto3.client(asked["service"], region_name="us-east-1", **asked["place"])
    answer = getattr(client, asked["call"])(**asked["arguments"])
    print(json.dumps(answer, default=str), flush=True)
