#!/usr/bin/env python3
"""Puts that must not be taken: lies about the content, and connections that break.

usage: hostile_requests.py READY_JSON
Prints one JSON line per request: {"what": …, "key": …, "code": …}; the code is S3's, or null where
the connection was cut by us.
"""
import base64, hashlib, json, socket, struct, sys, urllib.parse
import boto3, botocore.auth, botocore.awsrequest, botocore.config, botocore.credentials, botocore.exceptions, requests
import xml.etree.ElementTree as xml

ready = json.loads(sys.argv[1])
BODY = b"not what was promised" * 1000
common = dict(endpoint_url=ready["s3"], region_name=ready["region"], aws_access_key_id=ready["access_key_id"], aws_secret_access_key=ready["secret_access_key"])
s3 = boto3.client("s3", config=botocore.config.Config(s3={"addressing_style": "path"}, retries={"max_attempts": 0}), **common)


def say(what, code):
    print(json.dumps({"what": what, "key": key_of(what), "code": code}))


def key_of(what):
    return f"ads/uploader/refused/{what}.jpg"


def put(what, **options):
    try:
        s3.put_object(Bucket=ready["ads_bucket"], Key=key_of(what), Body=BODY, **options)
        say(what, "taken")
    except botocore.exceptions.ClientError as e:
        say(what, e.response["Error"]["Code"])


def digest(name, of=b"another body"):
    return base64.b64encode(hashlib.new(name, of).digest()).decode()


put("another MD5", ContentMD5=digest("md5"))
put("no MD5", ContentMD5="bm90IGFuIG1kNQ==")
put("another SHA-256", ChecksumSHA256=digest("sha256"))
put("another SHA-1", ChecksumSHA1=digest("sha1"))
put("another CRC-32", ChecksumCRC32=base64.b64encode(struct.pack(">I", 7)).decode())


def signed(what, claimed):
    """Address and headers of a put that are signed for the body `claimed`."""
    url = f'{ready["s3"]}/{ready["ads_bucket"]}/' + urllib.parse.quote(key_of(what))
    request = botocore.awsrequest.AWSRequest("PUT", url, data=claimed)
    credentials = botocore.credentials.Credentials(ready["access_key_id"], ready["secret_access_key"])
    botocore.auth.S3SigV4Auth(credentials, "s3", ready["region"]).add_auth(request)
    return url, dict(request.headers)


url, headers = signed("another signed digest", bytes(len(BODY)))
answer = requests.put(url, data=BODY, headers=headers, timeout=30)
say("another signed digest", "taken" if answer.ok else xml.fromstring(answer.content).findtext("Code"))

# Cut connections: the head promises more than ever comes. SO_LINGER 0 makes it a reset.
for what, part, reset in (("cut after the head", 0, False), ("cut in the middle", len(BODY) // 2, False), ("reset in the middle", len(BODY) // 2, True), ("cut before the last byte", len(BODY) - 1, False)):
    url, headers = signed(what, BODY)
    parts = urllib.parse.urlsplit(url)
    head = f"PUT {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: {len(BODY)}\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items()) + "\r\n"
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as connection:
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.sendall(head.encode() + BODY[:part])
    say(what, None)
# The same head with all of the body is taken: nothing but the cut was wrong.
url, headers = signed("whole", BODY)
say("whole", "taken" if requests.put(url, data=BODY, headers=headers, timeout=30).ok else "refused")
