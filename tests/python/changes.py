#!/usr/bin/env python3
"""Prints what tables' streams tell, in the shape in which Lambda hands it to a function.

usage: changes.py ENDPOINT TABLE...      (credentials and region from the environment)
For each line on standard input, prints one JSON line per table: {"table": …, "records": [...]};
all records from the oldest on, then what is new since. Ends when standard input ends.
"""
import base64, json, sys
import boto3

endpoint, tables = sys.argv[1], sys.argv[2:]
dynamodb = boto3.client("dynamodb", endpoint_url=endpoint)
streams = boto3.client("dynamodbstreams", endpoint_url=endpoint)
last_of = {}  # (stream, shard): the number of the last record that was read there


def plain(value):
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    return value.timestamp() if hasattr(value, "timestamp") else value


def news(arn):
    # An iterator anew each time: moto's goes on in a table as it was before a refused transaction.
    for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        place = (arn, shard["ShardId"])
        asked = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        if place in last_of:
            asked |= {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": last_of[place]}
        at = streams.get_shard_iterator(**asked)["ShardIterator"]
        while at:
            page = streams.get_records(ShardIterator=at)
            for record in page["Records"]:
                last_of[place] = record["dynamodb"]["SequenceNumber"]
                yield record
            at = page.get("NextShardIterator") if page["Records"] else None


arns = {table: dynamodb.describe_table(TableName=table)["Table"]["LatestStreamArn"] for table in tables}
for _ in sys.stdin:
    for table, arn in arns.items():
        found = [{**plain(r), "awsRegion": r.get("awsRegion", ""), "eventSource": "aws:dynamodb", "eventSourceARN": arn} for r in news(arn)]
        print(json.dumps({"table": table, "records": found}), flush=True)
