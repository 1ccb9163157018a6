#!/usr/bin/env python3
"""What the key pairs of tenants open on a laptop.

usage: tenant_pairs.py READY_JSON PAIRS_JSON held|revoked
PAIRS_JSON has the pairs of unit, uploader and second (another unit). `revoked`: that of second is.
"""
import json, sys
import boto3, botocore.config, botocore.exceptions, requests

ready, pairs = json.loads(sys.argv[1]), json.loads(sys.argv[2])
config = botocore.config.Config(s3={"addressing_style": "path"}, signature_version="s3v4", retries={"total_max_attempts": 1})


def clients(pair):
    common = dict(region_name=ready["region"], aws_access_key_id=pair["access_key_id"], aws_secret_access_key=pair["secret_access_key"])
    return boto3.client("s3", endpoint_url=ready["s3"], config=config, **common), boto3.client("dynamodb", endpoint_url=ready["dynamodb"], **common)


def code(call, **at):
    try:
        call(**at)
    except botocore.exceptions.ClientError as e:
        return e.response["Error"]["Code"]
    return None


ADS, REFERENCES, SEGMENTS = ready["ads_bucket"], ready["references_bucket"], "homeward-segments"
OWN = {"unit": (REFERENCES, "references/unit/", "references/unit/case/x.jpg"), "uploader": (ADS, "ads/uploader/", "ads/uploader/x.jpg"),
       "second": (REFERENCES, "references/second/", "references/second/case/x.jpg")}
if sys.argv[3] == "revoked":
    s3, _ = clients(pairs["second"])
    assert code(s3.get_object, Bucket=REFERENCES, Key=OWN["second"][2]) == "InvalidAccessKeyId"
    s3, _ = clients(pairs["unit"])
    sys.exit(code(s3.get_object, Bucket=REFERENCES, Key=OWN["unit"][2]) is not None)

for name, (bucket, prefix, key) in OWN.items():
    s3, _ = clients(pairs[name])
    s3.put_object(Bucket=bucket, Key=key, Body=name.encode())
    assert [it["Key"] for it in s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]] == [key]
for name in OWN:
    s3, tables = clients(pairs[name])
    for other, (bucket, prefix, key) in OWN.items():
        if other != name:
            for call in (s3.get_object, s3.head_object, s3.delete_object, s3.put_object, s3.create_multipart_upload):
                assert code(call, Bucket=bucket, Key=key) in ("AccessDenied", "403"), (name, call, key)
            assert code(s3.list_objects_v2, Bucket=bucket, Prefix=prefix) == "AccessDenied"
            own_bucket, _, own_key = OWN[name]
            assert code(s3.copy_object, Bucket=own_bucket, Key=own_key, CopySource={"Bucket": bucket, "Key": key}) == "AccessDenied"
            url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=60)
            assert requests.get(url, timeout=30).status_code == 403
            form = s3.generate_presigned_post(bucket, key)
            assert requests.post(form["url"], data=form["fields"], files={"file": ("x", b"x")}, timeout=30).status_code == 403
    for bucket in (ADS, REFERENCES, SEGMENTS):
        assert code(s3.list_objects_v2, Bucket=bucket) == "AccessDenied"
    assert code(s3.get_object, Bucket=SEGMENTS, Key="x") == "AccessDenied"
    assert code(tables.list_tables) == "UnrecognizedClientException"
    assert code(tables.scan, TableName="homeward-tenants") == "UnrecognizedClientException"
# The administrator's reaches all of it.
s3, tables = clients(ready)
for bucket, prefix, key in OWN.values():
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read()
assert tables.list_tables()["TableNames"]
