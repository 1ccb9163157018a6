#!/usr/bin/env python3
"""Checks an S3 and a DynamoDB endpoint with boto3, as a peer that we did not write.

Reads {"s3": URL, "dynamodb": URL, "region": …, "access_key_id": …, "secret_access_key": …} on
standard input. The bucket "ads" must exist. Exits 0 if everything is as AWS has it.
"""
import base64, datetime, email.utils, hashlib, hmac, io, json, socket, sys, time
import boto3, botocore, botocore.auth, botocore.config, botocore.exceptions, urllib3
from boto3.s3.transfer import TransferConfig

plan = json.load(sys.stdin)
common = dict(region_name=plan["region"], aws_access_key_id=plan["access_key_id"], aws_secret_access_key=plan["secret_access_key"])
config = botocore.config.Config(s3={"addressing_style": "path"}, signature_version="s3v4", retries={"max_attempts": 1})
s3 = boto3.client("s3", endpoint_url=plan["s3"], config=config, **common)
http = urllib3.PoolManager(retries=False)


def refused(code, call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except botocore.exceptions.ClientError as e:
        got = e.response["Error"]["Code"]
        assert got == code, f"{got}, not {code}"
        return
    raise AssertionError(f"not refused with {code}")


def put(key, body=b"", **kw):
    return s3.put_object(Bucket="ads", Key=key, Body=body, **kw)


def get(key, **kw):
    return s3.get_object(Bucket="ads", Key=key, **kw)["Body"].read()


def keys(prefix):
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="ads", Prefix=prefix, PaginationConfig={"PageSize": 3})
    return [o["Key"] for page in pages for o in page.get("Contents", [])]


def unusual_keys():
    names = ["k/a", "k/a/b", "k/../x", "k//", "k/ lead and trail ", "k/+", "k/%2F", "k/?x=1#y", "k/\x01\x1f", "k/<&>\"'",
             "k/é東京\U0001F600", "k/.", "k/..", "k/" + "ü" * 511, "k/\\", "k/*", "k/~!@$^()[]{}|;:,", "k/${filename}"]
    for name in names:
        put(name, name.encode())
    for name in names:
        assert get(name) == name.encode(), name
        assert s3.head_object(Bucket="ads", Key=name)["ContentLength"] == len(name.encode())
    assert keys("k/") == sorted(names, key=str.encode)
    assert [o["Key"] for o in s3.list_objects(Bucket="ads", Prefix="k/")["Contents"]] == sorted(names, key=str.encode)
    refused("KeyTooLongError", put, "k" * 1025)
    s3.delete_object(Bucket="ads", Key="k/\x01\x1f")  # XML, as the others are deleted, cannot hold it
    s3.delete_objects(Bucket="ads", Delete={"Objects": [{"Key": n} for n in names if n.isprintable()]})
    assert keys("k/") == []


def presigned():
    url = s3.generate_presigned_url("put_object", Params={"Bucket": "ads", "Key": "p/a b+c"}, ExpiresIn=60)
    assert http.request("PUT", url, body=b"photo").status == 200
    assert http.request("PUT", url.replace("p/a", "p/b"), body=b"photo").status == 403
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "ads", "Key": "p/a b+c"}, ExpiresIn=60)
    answer = http.request("GET", url)
    assert (answer.status, answer.data) == (200, b"photo")
    assert http.request("PUT", url, body=b"photo").status == 403
    short = s3.generate_presigned_url("get_object", Params={"Bucket": "ads", "Key": "p/a b+c"}, ExpiresIn=1)
    time.sleep(2.1)
    assert http.request("GET", short).status == 403
    typed = s3.generate_presigned_url("put_object", Params={"Bucket": "ads", "Key": "p/t", "ContentType": "image/png"}, ExpiresIn=60)
    assert http.request("PUT", typed, body=b"x", headers={"content-type": "image/gif"}).status == 403
    assert http.request("PUT", typed, body=b"x", headers={"content-type": "image/png"}).status == 200
    bad = s3.generate_presigned_url("put_object", Params={"Bucket": "ads", "Key": "p/md5", "ContentMD5": "AAAAAAAAAAAAAAAAAAAAAA=="}, ExpiresIn=60)
    assert http.request("PUT", bad, body=b"x", headers={"content-md5": "AAAAAAAAAAAAAAAAAAAAAA=="}).status == 400
    assert keys("p/") == ["p/a b+c", "p/t"]
    for method in ("GET", "PUT", "DELETE"):
        assert http.request(method, plan["s3"] + "/ads/p/t").status == 403, "without a signature"


def post(form, body, **changes):
    fields = {**form["fields"], **changes}
    fields = {k: v for k, v in fields.items() if v is not None}
    answer = http.request("POST", form["url"], fields={**fields, "file": ("photo.jpg", body)})
    code = answer.data.split(b"<Code>")[1].split(b"</Code>")[0].decode() if b"<Code>" in answer.data else ""
    return answer.status, code


def cut_anywhere(form):
    """However the network cuts a form, it is the same form."""
    body, kind = urllib3.encode_multipart_formdata({**form["fields"], "file": ("photo.jpg", b"\r\n-photo-\r\n")})
    host, port = urllib3.util.parse_url(form["url"]).host, urllib3.util.parse_url(form["url"]).port
    head = (f"POST {urllib3.util.parse_url(form['url']).path} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: {kind}\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n").encode()
    places = [*range(1, 60), *range(60, len(body) - 80, 61), *range(len(body) - 80, len(body))]
    for at in places:
        with socket.create_connection((host, port)) as stream:
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            stream.sendall(head)
            time.sleep(0.002)
            stream.sendall(body[:at])
            time.sleep(0.005)
            stream.sendall(body[at:])
            status = stream.recv(12)
        assert status == b"HTTP/1.1 204", f"cut after {at} of {len(body)} bytes: {status}"


def like_boundaries():
    """Bytes that could each be the start of the boundary, as many as come at once."""
    form = s3.generate_presigned_post("ads", "cut/returns.bin", ExpiresIn=600)
    for photo in (b"\r" * (6 << 20), b"\r\n--" * (1 << 20)):
        assert post(form, photo) == (204, "")
        assert get("cut/returns.bin") == photo


def forms():
    # "${filename}" makes boto3 bind the key's start only; the client then names the key.
    def form(key="form/photo 1.jpg", expires=600, **extra):
        conditions = [["content-length-range", 2, 1000], ["eq", "$x-amz-meta-place", "Kyiv"]]
        return s3.generate_presigned_post("ads", key, Fields={"x-amz-meta-place": "Kyiv", **extra},
                                          Conditions=conditions + [{k: v} for k, v in extra.items()], ExpiresIn=expires)

    assert post(form(), b"photo") == (204, "")
    head = s3.head_object(Bucket="ads", Key="form/photo 1.jpg")
    assert head["Metadata"] == {"place": "Kyiv"} and head["ContentLength"] == 5
    assert post(form("form/${filename}", success_action_status="201"), b"photo", key="form/other.jpg")[0] == 201
    assert post(form("form/${filename}"), b"photo", key="forms/other.jpg")[0] == 400
    assert post(form("form/${filename}"), b"photo") == (400, "InvalidArgument")
    assert post(form(), b"x" * 1001) == (400, "EntityTooLarge")
    assert post(form(), b"x") == (400, "EntityTooSmall")
    for change, status in [
        ({"key": "elsewhere/photo.jpg"}, 400), ({"x-amz-meta-place": "Lviv"}, 400), ({"x-amz-meta-place": None}, 400),
        ({"x-amz-meta-other": "1"}, 403), ({"x-amz-signature": "0" * 64}, 403), ({"policy": base64.b64encode(b"{}").decode()}, 400),
        ({"policy": None}, 400), ({"x-amz-signature": None}, 403), ({"bucket": "other"}, 400), ({"key": "form/${filename}"}, 400),
    ]:
        got, code = post(form(), b"photo", **change)
        assert got in (400, 403) and code, f"{change}: {got} {code}"
    cut_anywhere(form("cut/photo.jpg"))
    like_boundaries()
    short = form(expires=1)
    time.sleep(2.1)
    assert post(short, b"photo") == (403, "AccessDenied")
    # A form may be filled in long after it was made, until its policy expires.
    real = botocore.auth.get_current_datetime
    early = real() - datetime.timedelta(minutes=40)
    botocore.auth.get_current_datetime = lambda *a, **k: early
    try:
        late = form("form/late", expires=3600)
        refused("RequestTimeTooSkewed", put, "late")
    finally:
        botocore.auth.get_current_datetime = real
    assert post(late, b"photo") == (204, "")
    assert keys("form/") == ["form/late", "form/other.jpg", "form/photo 1.jpg"]


def large():
    body = bytes(i * 7 % 251 for i in range(1 << 16)) * 200
    s3.upload_fileobj(io.BytesIO(body), "ads", "large", Config=TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20))
    head = s3.head_object(Bucket="ads", Key="large")
    assert head["ContentLength"] == len(body) and head["ETag"].endswith('-3"')
    assert hashlib.sha256(get("large")).digest() == hashlib.sha256(body).digest()
    assert get("large", Range="bytes=5242879-5242881") == body[5242879:5242882]
    refused("InvalidRange", get, "large", Range="bytes=99999999-")
    assert s3.list_multipart_uploads(Bucket="ads").get("Uploads", []) == []


def conditions():
    first = put("c", b"1", IfNoneMatch="*")
    refused("PreconditionFailed", put, "c", b"2", IfNoneMatch="*")
    refused("PreconditionFailed", put, "c", b"2", IfMatch='"0"')
    put("c", b"2", IfMatch=first["ETag"])
    refused("304", get, "c", IfNoneMatch='"c81e728d9d4c2f636f067f89cc14862c"')
    assert put("sum", b"x", ChecksumAlgorithm="SHA256")["ChecksumSHA256"]
    assert s3.head_object(Bucket="ads", Key="sum", ChecksumMode="ENABLED")["ChecksumSHA256"]
    refused("BadDigest", put, "bad", b"x", ContentMD5="AAAAAAAAAAAAAAAAAAAAAA==")
    refused("404", s3.head_object, Bucket="ads", Key="bad")
    refused("NoSuchBucket", s3.list_objects_v2, Bucket="none")


def versions():
    for n in range(7):
        put("v/a", str(n).encode())
    s3.delete_object(Bucket="ads", Key="v/a")
    pages = list(s3.get_paginator("list_object_versions").paginate(Bucket="ads", Prefix="v/", PaginationConfig={"PageSize": 3}))
    found = [get("v/a", VersionId=v["VersionId"]) for page in pages for v in page.get("Versions", [])]
    assert found == [b"6", b"5", b"4", b"3", b"2", b"1", b"0"], found
    assert sum(len(page.get("DeleteMarkers", [])) for page in pages) == 1
    boto3.resource("s3", endpoint_url=plan["s3"], config=config, **common).Bucket("ads").object_versions.filter(Prefix="v/").delete()
    assert "Versions" not in s3.list_object_versions(Bucket="ads", Prefix="v/")
    assert s3.get_bucket_versioning(Bucket="ads")["Status"] == "Enabled"
    assert s3.get_bucket_location(Bucket="ads")["LocationConstraint"] is None
    assert "ads" in [b["Name"] for b in s3.list_buckets()["Buckets"]]


def tables():
    db = boto3.resource("dynamodb", endpoint_url=plan["dynamodb"], **common)
    table = db.create_table(TableName="people", BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
                            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}])
    table.put_item(Item={"pk": "a", "n": 1, "bytes": b"\0\1"}, ConditionExpression="attribute_not_exists(pk)")
    refused("ConditionalCheckFailedException", table.put_item, Item={"pk": "a"}, ConditionExpression="attribute_not_exists(pk)")
    item = table.get_item(Key={"pk": "a"}, ConsistentRead=True)["Item"]
    assert item["n"] == 1 and bytes(item["bytes"]) == b"\0\1"
    refused("ResourceNotFoundException", db.Table("nobody").get_item, Key={"pk": "a"})
    refused("ValidationException", table.get_item, Key={"other": "a"})
    page = http.request("POST", plan["dynamodb"] + "/", body=b"{}", headers={"origin": "http://evil.example", "x-amz-target": "DynamoDB_20120810.ListTables", "content-type": "application/x-amz-json-1.0"})
    assert page.status == 403 and "access-control-allow-origin" not in page.headers, "a web page got in"
    page = http.request("POST", plan["dynamodb"] + "/", body=b"{}", headers={"x-amz-target": "DynamoDB_20120810.ListTables", "content-type": "application/x-amz-json-1.0"})
    assert page.status == 400 and b"MissingAuthenticationToken" in page.data


def signatures():
    """What the laptop's S3 once took and S3 refuses."""
    path = plan["s3"] + "/ads"
    for name, date in (("now", email.utils.formatdate(usegmt=True)), ("2007", "Tue, 27 Mar 2007 19:36:42 GMT")):
        mac = hmac.new(plan["secret_access_key"].encode(), f"GET\n\n\n{date}\n/ads".encode(), "sha1").digest()
        old = {"date": date, "authorization": f"AWS {plan['access_key_id']}:{base64.b64encode(mac).decode()}"}
        assert http.request("GET", path, headers=old).status == 400, f"a signature of version 2 of {name}"
    version_2 = boto3.client("s3", endpoint_url=plan["s3"], config=botocore.config.Config(s3={"addressing_style": "path"}, signature_version="s3"), **common)
    url = version_2.generate_presigned_url("list_objects_v2", Params={"Bucket": "ads"}, ExpiresIn=60)
    assert "Signature=" in url and "X-Amz" not in url and http.request("GET", url).status == 400
    form = version_2.generate_presigned_post("ads", "v2/photo.jpg", ExpiresIn=60)
    assert "signature" in form["fields"] and post(form, b"photo") == (403, "AccessDenied")
    week = lambda s: s3.generate_presigned_url("list_objects_v2", Params={"Bucket": "ads"}, ExpiresIn=s)
    assert http.request("GET", week(604800)).status == 200
    assert http.request("GET", week(604801)).status == 400 and http.request("GET", week(365 * 86400)).status == 400
    real = botocore.auth.get_current_datetime
    for minutes, status in ((10, 200), (20, 403), (6 * 24 * 60, 403)):
        botocore.auth.get_current_datetime = lambda *a, **k: real() + datetime.timedelta(minutes=minutes)
        try:
            ahead = week(60)
        finally:
            botocore.auth.get_current_datetime = real
        assert http.request("GET", ahead).status == status, f"dated {minutes} minutes ahead"
    put("signed/source", b"secret")
    url = s3.generate_presigned_url("put_object", Params={"Bucket": "ads", "Key": "signed/copy"}, ExpiresIn=60)
    copied = http.request("PUT", url, body=b"", headers={"x-amz-copy-source": "/ads/signed/source"})
    assert copied.status == 403 and b"not signed" in copied.data and keys("signed/") == ["signed/source"]
    assert http.request("PUT", url, body=b"x", headers={"x-amz-meta-place": "Lviv"}).status == 403
    url = s3.generate_presigned_url("copy_object", Params={"Bucket": "ads", "Key": "signed/copy", "CopySource": "ads/signed/source"}, ExpiresIn=60)
    assert http.request("PUT", url, headers={"x-amz-copy-source": "ads/signed/source"}).status == 200
    assert get("signed/copy") == b"secret"


def sentences():
    """No client is left with "Unknown"."""
    def message(call, *args, **kwargs):
        try:
            call(*args, **kwargs)
        except botocore.exceptions.ClientError as e:
            return e.response["Error"].get("Message", "")
        raise AssertionError("not refused")

    wrong = boto3.client("s3", endpoint_url=plan["s3"], config=config, **{**common, "aws_secret_access_key": "guess"})
    nobody = boto3.client("s3", endpoint_url=plan["s3"], config=config, **{**common, "aws_access_key_id": "nobody"})
    for call, words in ((lambda: get("none"), "no object"), (lambda: s3.list_objects_v2(Bucket="none"), "no such bucket"),
                        (lambda: put("k" * 1025), "1,024 bytes"), (lambda: wrong.list_buckets(), "secret access key"),
                        (lambda: nobody.list_buckets(), "homeward env"), (lambda: put("signed/source", b"2", IfMatch='"0"'), "condition"),
                        (lambda: s3.get_object_tagging(Bucket="ads", Key="c"), "not implemented"),
                        (lambda: put("acl", b"x", ACL="public-read"), "does not allow ACLs"),
                        (lambda: put("acl", b"x", GrantRead="id=a"), "does not allow ACLs")):
        got = message(call)
        assert words in got and "Unknown" not in got, got
    put("acl", b"x", ACL="bucket-owner-full-control")
    bare = http.request("GET", plan["s3"] + "/ads")
    assert bare.status == 403 and b"homeward env" in bare.data and bare.headers["x-amz-request-id"].encode() in bare.data
    answer = http.request("POST", (form := s3.generate_presigned_post("ads", "told/a b+c"))["url"], fields={**form["fields"], "file": ("f", b"photo")})
    assert answer.headers["location"].endswith("/ads/told/a%20b%2Bc") and answer.headers["etag"] == s3.head_object(Bucket="ads", Key="told/a b+c")["ETag"]


def kept_connection():
    """A refused put does not cost the next one on the same connection."""
    one = botocore.config.Config(s3={"addressing_style": "path"}, signature_version="s3v4", retries={"total_max_attempts": 1}, max_pool_connections=1)
    client = boto3.client("s3", endpoint_url=plan["s3"], config=one, **common)
    for size in (5, 200_000):
        for _ in range(3):
            refused("KeyTooLongError", client.put_object, Bucket="ads", Key="k" * 1030, Body=b"x" * size)
            client.put_object(Bucket="ads", Key="kept/good", Body=b"y" * size)
            refused("NoSuchBucket", client.put_object, Bucket="none", Key="k", Body=b"x" * size)
            assert client.get_object(Bucket="ads", Key="kept/good")["Body"].read() == b"y" * size


for check in (unusual_keys, presigned, forms, signatures, sentences, kept_connection, large, conditions, versions, tables):
    check()
    print("boto3:", check.__name__, "as on AWS", file=sys.stderr)
