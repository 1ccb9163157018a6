#!/usr/bin/env python3
"""Everything that an uploader can see, as one JSON line per answer.

usage: uploader_view.py READY_JSON FOLDER
Uploads every file of FOLDER by the ways an uploader has (S3 client, presigned form), asks the API
whatever an uploader may ask and some things it may not, and prints each answer: status, header
names, and the body with times and random names masked, since those differ between any two runs.
"""
import json, pathlib, re, sys, time
import boto3, botocore.config, requests

ready, folder = json.loads(sys.argv[1]), pathlib.Path(sys.argv[2])
api, token = ready["api"], ready["tokens"]["uploader"]
s3 = boto3.client("s3", endpoint_url=ready["s3"], region_name=ready["region"], aws_access_key_id=ready["access_key_id"],
                  aws_secret_access_key=ready["secret_access_key"], config=botocore.config.Config(s3={"addressing_style": "path"}))
MASKS = [(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"), (r"\d{8}T\d{6}Z", "TIME"), (r"http://127\.0\.0\.1:\d+", "HOST"),
         (r'"(policy|x-amz-signature|x-amz-credential|x-amz-date|version_id|key)": ?"[^"]*"', r'"\1":"MASKED"'),
         (r"ads/uploader/[0-9a-zA-Z_-]{16,}[^\"]*", "NAME")]


def masked(text):
    for pattern, word in MASKS:
        text = re.sub(pattern, word, text)
    return text


def say(what, status, headers, body):
    print(json.dumps({"what": what, "status": status, "headers": sorted(h.lower() for h in headers), "body": masked(body)}))


def ask(method, path, auth=True, **kw):
    headers = {"Authorization": f"Bearer {token}"} if auth else {}
    answer = requests.request(method, api + path, headers=headers, timeout=30, **kw)
    say(f"{method} {path}", answer.status_code, answer.headers, answer.text)
    return answer


for file in sorted(folder.iterdir()):
    answer = s3.put_object(Bucket=ready["ads_bucket"], Key=f"ads/uploader/{file.name}", Body=file.read_bytes(), Metadata={"ad-id": file.stem.replace(" ", "-")})
    meta = answer["ResponseMetadata"]
    say("put", meta["HTTPStatusCode"], meta["HTTPHeaders"], answer["ETag"])
form = ask("POST", "/v1/uploads", json={"content_type": "image/jpeg"})
if form.ok:
    made = form.json()
    first = sorted(folder.iterdir())[0]
    sent = requests.post(made["url"], data=made["fields"], files={"file": first.read_bytes()}, timeout=30)
    say("form", sent.status_code, sent.headers, "")
deadline = time.monotonic() + 120
while True:   # until nothing is pending: how often we must ask depends on the machine, so it is not printed
    page = requests.get(api + "/v1/uploads", headers={"Authorization": f"Bearer {token}"}, timeout=30)
    if '"pending"' not in page.text or time.monotonic() > deadline:
        break
    time.sleep(.2)
ask("GET", "/v1/uploads")
ask("GET", "/v1/uploads?limit=2")
for path in ("/v1/leads", "/v1/references", "/v1/alerts", "/v1/webhooks", "/v1/leads/00000000000000000000000000000000", "/v1/nothing", "/v1/tenants", "/v1/verify"):
    ask("GET", path)
    ask("GET", path, auth=False)
ask("POST", "/v1/references", json={"case_id": "x", "pdq": "00" * 32, "quality": 100})
ask("POST", "/v1/uploads", data="{")
listing = s3.list_objects_v2(Bucket=ready["ads_bucket"], Prefix="ads/uploader/")
say("list", 200, [], json.dumps(sorted((o["ETag"], o["Size"]) for o in listing["Contents"])))
