#!/usr/bin/env python3
"""Uploads files with boto3, a client that we did not write.

Reads one JSON object on standard input:
  {"s3": URL, "region": …, "access_key_id": …, "secret_access_key": …, "threads": 4,
   "puts": [{"bucket": …, "key": …, "path": …, "metadata": {…}}]}
and prints one JSON line per put, as it is acknowledged: {"key": …, "ok": true} or
{"key": …, "ok": false, "error": …}. A server that is down is retried until --patience seconds
have passed, so that a test may kill it meanwhile.
"""
import argparse, concurrent.futures, json, sys, time
import boto3, botocore.config, botocore.exceptions

ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
ap.add_argument("--patience", type=float, default=60)
a = ap.parse_args()
plan = json.load(sys.stdin)
s3 = boto3.client(
    "s3", endpoint_url=plan["s3"], region_name=plan["region"],
    aws_access_key_id=plan["access_key_id"], aws_secret_access_key=plan["secret_access_key"],
    config=botocore.config.Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}, connect_timeout=5, read_timeout=30, max_pool_connections=32))


def put(item):
    body = open(item["path"], "rb").read() if "path" in item else item.get("body", "").encode()
    deadline = time.monotonic() + a.patience
    while True:
        try:
            s3.put_object(Bucket=item["bucket"], Key=item["key"], Body=body, Metadata=item.get("metadata", {}))
            return {"key": item["key"], "ok": True}
        except botocore.exceptions.ClientError as e:
            if e.response["ResponseMetadata"]["HTTPStatusCode"] < 500:
                return {"key": item["key"], "ok": False, "error": e.response["Error"]["Code"]}
        except botocore.exceptions.BotoCoreError:
            pass
        if time.monotonic() > deadline:
            return {"key": item["key"], "ok": False, "error": "out of patience"}
        time.sleep(.05)


with concurrent.futures.ThreadPoolExecutor(plan.get("threads", 4)) as pool:
    for result in pool.map(put, plan["puts"]):
        print(json.dumps(result), flush=True)
