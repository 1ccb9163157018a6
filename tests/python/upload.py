#!/usr/bin/env python3
"""Uploads files with boto3, a client that we did not write.

Reads one JSON object on standard input:
  {"s3": URL, "region": …, "access_key_id": …, "secret_access_key": …, "threads": 4,
   "puts": [{"bucket": …, "key": …, "path": …, "metadata": {…}}]}
and prints one JSON line per put, in that order, once all are acknowledged or refused:
  {"key": …, "ok": true, "version_id": …, "etag": …, "size": …}  or
  {"key": …, "ok": false, "error": …}
A server that is down is retried until --patience seconds have passed, so that a test may kill it
meanwhile. With "slice": N in the object, N puts begin at once and N more at each further line of
input, so that a test may say when.
"""
import argparse, concurrent.futures, json, sys, time
import boto3, botocore.config, botocore.exceptions

ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
ap.add_argument("--patience", type=float, default=60)
a = ap.parse_args()
plan = json.loads(sys.stdin.readline())
s3 = boto3.client(
    "s3", endpoint_url=plan["s3"], region_name=plan["region"],
    aws_access_key_id=plan["access_key_id"], aws_secret_access_key=plan["secret_access_key"],
    config=botocore.config.Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}, connect_timeout=5, read_timeout=30, max_pool_connections=32))


def put(item):
    body = open(item["path"], "rb").read() if "path" in item else item.get("body", "").encode()
    deadline = time.monotonic() + a.patience
    while True:
        try:
            done = s3.put_object(Bucket=item["bucket"], Key=item["key"], Body=body, Metadata=item.get("metadata", {}))
            return {"key": item["key"], "ok": True, "version_id": done.get("VersionId"), "etag": done["ETag"].strip('"'), "size": len(body)}
        except botocore.exceptions.ClientError as e:
            if e.response["ResponseMetadata"]["HTTPStatusCode"] < 500:
                return {"key": item["key"], "ok": False, "error": e.response["Error"]["Code"]}
        except botocore.exceptions.BotoCoreError:
            pass
        if time.monotonic() > deadline:
            return {"key": item["key"], "ok": False, "error": "out of patience"}
        time.sleep(.05)


def slices(puts):
    step = plan.get("slice", len(puts))
    for start in range(0, len(puts), step):
        if start:
            sys.stdin.readline()
        yield puts[start:start + step]


with concurrent.futures.ThreadPoolExecutor(plan.get("threads", 4)) as pool:
    for result in [pool.submit(put, item) for some in slices(plan["puts"]) for item in some]:
        print(json.dumps(result.result()), flush=True)
