#!/usr/bin/env python3
"""Puts objects under keys that must be refused, in every way that there is.

usage: wrong_keys.py READY_JSON KEYS_JSON
KEYS_JSON has a list of keys for `ads_bucket` and one for `references_bucket`. Prints one JSON line per
try: {"how": …, "bucket": …, "key": …, "code": …, "message": …}; the code is null if it was taken.
"""
import io, json, sys
import boto3, botocore.config, botocore.exceptions, requests
import xml.etree.ElementTree as xml

ready, keys = json.loads(sys.argv[1]), json.loads(sys.argv[2])
config = botocore.config.Config(s3={"addressing_style": "path"}, signature_version="s3v4", retries={"total_max_attempts": 1})
s3 = boto3.client("s3", endpoint_url=ready["s3"], region_name=ready["region"], aws_access_key_id=ready["access_key_id"],
                  aws_secret_access_key=ready["secret_access_key"], config=config)
# The source of copies: what is right in one bucket is wrong in the other.
SOURCE = {"Bucket": ready["ads_bucket"], "Key": "ads/uploader/source.jpg"}
s3.put_object(**SOURCE, Body=b"photo")


def form(Bucket, Key):
    made = s3.generate_presigned_post(Bucket, Key)
    answer = requests.post(made["url"], data=made["fields"], files={"file": ("x.jpg", b"photo")}, timeout=30)
    if not answer.ok:
        error = xml.fromstring(answer.content)
        raise botocore.exceptions.ClientError({"Error": {"Code": error.findtext("Code"), "Message": error.findtext("Message")}}, "form")


WAYS = {"put": lambda **at: s3.put_object(**at, Body=b"photo"), "form": form, "copy": lambda **at: s3.copy_object(**at, CopySource=SOURCE),
        "multipart": lambda **at: s3.create_multipart_upload(**at)}
for bucket in keys:
    for key in keys[bucket]:
        for how, way in WAYS.items():
            try:
                way(Bucket=ready[bucket], Key=key)
                code, message = None, None
            except botocore.exceptions.ClientError as e:
                code, message = e.response["Error"]["Code"], e.response["Error"]["Message"]
            print(json.dumps({"how": how, "bucket": bucket, "key": key, "code": code, "message": message}))
s3.delete_object(**SOURCE)
