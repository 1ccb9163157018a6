#!/usr/bin/env python3
"""Reads back, with boto3, what `upload.py` uploaded.

Reads the same JSON object on standard input, and prints one JSON line per object that is not as it
was put: {"key": …, "error": …}. Exits with 1 if there is any.
"""
import json, sys
import boto3, botocore.config, botocore.exceptions

plan = json.loads(sys.stdin.readline())
s3 = boto3.client(
    "s3", endpoint_url=plan["s3"], region_name=plan["region"],
    aws_access_key_id=plan["access_key_id"], aws_secret_access_key=plan["secret_access_key"],
    config=botocore.config.Config(s3={"addressing_style": "path"}))


def fault(item):
    try:
        found = s3.get_object(Bucket=item["bucket"], Key=item["key"])
    except botocore.exceptions.ClientError as e:
        return e.response["Error"]["Code"]
    if found["Body"].read() != open(item["path"], "rb").read():
        return "other bytes"
    return None if found["Metadata"] == item.get("metadata", {}) else "other metadata"


faults = [{"key": item["key"], "error": error} for item in plan["puts"] if (error := fault(item))]
for one in faults:
    print(json.dumps(one))
sys.exit(bool(faults))
