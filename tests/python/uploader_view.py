#!/usr/bin/env python3
"""Everything that an uploader can see, as one JSON line per answer.

usage: uploader_view.py READY_JSON FOLDER
       uploader_view.py --mask < TEXT
Uploads every file of FOLDER by the ways an uploader has (S3 client, presigned form), asks the API
whatever an uploader may ask and some things it may not, and prints each answer: status, headers,
and the body. Times, random names and addresses are masked, since those differ between any two
runs; --mask shows what that does to a text.
"""
import json, pathlib, re, sys, time
import boto3, botocore.config, requests

MASKS = [(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"), (r"\d{8}T\d{6}Z", "TIME"), (r"http://127\.0\.0\.1:\d+", "HOST"),
         # Of a form: what is signed holds the time. A made-up name is 32 hex digits.
         (r'"(policy|x-amz-signature|x-amz-credential|x-amz-date)": ?"[^"]*"', r'"\1":"MASKED"'),
         (r"ads/uploader/[0-9a-f]{32}\.jpg", "ads/uploader/NAME.jpg"),
         (r'"request_id": ?"[^"]*"', '"request_id":"MASKED"')]
# Headers that no two answers share. The length of a body differs with its times; it is compared itself.
MASKED_HEADERS = {"date", "x-amz-request-id", "x-amz-id-2", "x-amz-version-id", "x-request-id", "last-modified", "content-length"}


def masked(text):
    for pattern, word in MASKS:
        text = re.sub(pattern, word, text)
    return text


if sys.argv[1] == "--mask":
    sys.exit(print(masked(sys.stdin.read()), end=""))

ready, folder = json.loads(sys.argv[1]), pathlib.Path(sys.argv[2])
api, token = ready["api"], ready["tokens"]["uploader"]
s3 = boto3.client("s3", endpoint_url=ready["s3"], region_name=ready["region"], aws_access_key_id=ready["access_key_id"],
                  aws_secret_access_key=ready["secret_access_key"], config=botocore.config.Config(s3={"addressing_style": "path"}))


def say(what, status, headers, body):
    seen = {h.lower(): "MASKED" if h.lower() in MASKED_HEADERS else masked(v) for h, v in headers.items()}
    print(json.dumps({"what": what, "status": status, "headers": seen, "body": masked(body)}, sort_keys=True))


def ask(method, path, auth=True, **kw):
    headers = {"Authorization": f"Bearer {token}"} if auth else {}
    answer = requests.request(method, api + path, headers=headers, timeout=30, **kw)
    say(f"{method} {path}" + ("" if auth else " without a token"), answer.status_code, answer.headers, answer.text)
    return answer


def put(file, body):
    answer = s3.put_object(Bucket=ready["ads_bucket"], Key=f"ads/uploader/{file.name}", Body=body, Metadata={"ad-id": file.stem.replace(" ", "-"), "seen-at": "never"})
    meta = answer["ResponseMetadata"]
    say("put", meta["HTTPStatusCode"], meta["HTTPHeaders"], answer["ETag"])


def settle():
    """Until nothing is pending: how often we must ask depends on the machine, so it is not printed."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        page = requests.get(api + "/v1/uploads?limit=100", headers={"Authorization": f"Bearer {token}"}, timeout=30)
        if '"pending"' not in page.text:
            return
        time.sleep(.2)
    sys.exit("uploads are pending for two minutes")


files = sorted(folder.iterdir())
for file in files:
    put(file, file.read_bytes())
ask("POST", "/v1/uploads", json={"content_type": "image/jpeg"})   # a made-up name; not used, as its place in listings would differ
form = ask("POST", "/v1/uploads", json={"content_type": "image/jpeg", "file_name": "by form.jpg"}).json()
sent = requests.post(form["url"], data=form["fields"], files={"file": files[0].read_bytes()}, timeout=30)
say("form", sent.status_code, sent.headers, sent.text)
sent = requests.post(form["url"], data={**form["fields"], "key": "ads/unit/x.jpg"}, files={"file": b"x"}, timeout=30)
say("form for another tenant", sent.status_code, {}, "")
settle()
ask("GET", "/v1/uploads?limit=100")
page = ask("GET", "/v1/uploads?limit=2").json()
ask("GET", f"/v1/uploads?limit=2&after={page['next']}")
for path in ("/v1/leads", "/v1/references", "/v1/alerts", "/v1/webhooks", "/v1/leads/00000000000000000000000000000000", "/v1/nothing", "/v1/tenants", "/v1/verify"):
    ask("GET", path)
    ask("GET", path, auth=False)
ask("POST", "/v1/references", json={"case_id": "x", "pdq": "00" * 32, "quality": 100})
ask("POST", "/v1/uploads", data="{")
put(files[0], files[0].read_bytes())   # again, now that any lead is found
put(files[0], files[1].read_bytes())   # other content under the same key
settle()
ask("GET", "/v1/uploads?limit=100")
for file in files:
    found = s3.get_object(Bucket=ready["ads_bucket"], Key=f"ads/uploader/{file.name}")
    say("get", 200, found["ResponseMetadata"]["HTTPHeaders"], json.dumps([len(found["Body"].read()), found["ETag"], sorted(found["Metadata"].items())]))
listing = s3.list_objects_v2(Bucket=ready["ads_bucket"], Prefix="ads/uploader/")
say("list", 200, {}, json.dumps([(o["Key"], o["ETag"], o["Size"]) for o in listing["Contents"]]))
