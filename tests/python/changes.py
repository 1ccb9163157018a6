#!/usr/bin/env python3
"""Prints what tables' streams tell, in the shape in which Lambda hands it to a function.

usage: changes.py ENDPOINT TABLE...      (credentials and region from the environment)
Prints one JSON line per table: {"table": …, "records": [...]}; all records from the oldest on.
"""
import base64, json, sys
import boto3

endpoint, tables = sys.argv[1], sys.argv[2:]
dynamodb = boto3.client("dynamodb", endpoint_url=endpoint)
streams = boto3.client("dynamodbstreams", endpoint_url=endpoint)


def plain(value):
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    return value.timestamp() if hasattr(value, "timestamp") else value


def records(arn):
    for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        at = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        while at:
            page = streams.get_records(ShardIterator=at)
            yield from page["Records"]
            at = page.get("NextShardIterator") if page["Records"] else None


for table in tables:
    arn = dynamodb.describe_table(TableName=table)["Table"]["LatestStreamArn"]
    found = [{**plain(r), "awsRegion": r.get("awsRegion", ""), "eventSource": "aws:dynamodb", "eventSourceARN": arn} for r in records(arn)]
    print(json.dumps({"table": table, "records": found}))
