#!/usr/bin/env python3
"""Gives up a message of the ads' queue and the changes of a table, as if a program had failed on them; for `trial.py`.

usage: given_up.py STACK
"""
import json, sys
import boto3

stack = sys.argv[1]
queues, streams = boto3.client("sqs"), boto3.client("dynamodbstreams")


def give_up(queue, message):
    url = queues.get_queue_url(QueueName=f"{stack}-{queue}")["QueueUrl"]
    queues.send_message(QueueUrl=url, MessageBody=json.dumps(message))


give_up("ads-dead-letters", {"Service": "Amazon S3", "Event": "s3:TestEvent"})
stream = streams.list_streams(TableName=f"{stack}-leads")["Streams"][0]["StreamArn"]
shard = streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"][0]["ShardId"]
at = streams.get_shard_iterator(StreamArn=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
numbers = [it["dynamodb"]["SequenceNumber"] for it in streams.get_records(ShardIterator=at)["Records"]]
give_up("stream-failures", {"requestContext": {"functionArn": f"arn:aws:lambda:eu-central-1:1:function:{stack}-alert"},
    "DDBStreamBatchInfo": {"streamArn": stream, "shardId": shard, "startSequenceNumber": numbers[0], "endSequenceNumber": numbers[-1]}})
print(len(numbers), "changes")
