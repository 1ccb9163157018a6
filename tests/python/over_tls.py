#!/usr/bin/env python3
"""Comes in as other machines do: by TLS, under the name in the certificate.

usage: over_tls.py READY_JSON CERTIFICATE
Prints one JSON object: what each try gave.
"""
import json, socket, ssl, sys
import boto3, botocore.config, requests
from urllib.parse import urlsplit

ready, certificate = json.loads(sys.argv[1]), sys.argv[2]
api, s3_at = ready["public"]["api"], ready["public"]["s3"]
told = {}


def status(url, **more):
    return requests.get(url, timeout=30, **{"verify": certificate, **more}).status_code


told["health"] = status(f"{api}/v1/health")
told["another name"] = status(f"{api}/v1/health", headers={"Host": "elsewhere.example"})
told["another page"] = status(f"{api}/v1/health", headers={"Origin": "https://elsewhere.example"})
told["administrator of the machine"] = status(f"{api}/local/sign-in")
try:
    told["unknown certificate"] = status(f"{api}/v1/health", verify=True)
except requests.exceptions.SSLError:
    told["unknown certificate"] = "refused by the client"

# In the clear, and with rubbish instead of a greeting: no answer, and nothing breaks.
at = urlsplit(api)
with socket.create_connection((at.hostname, at.port), timeout=30) as plain:
    plain.sendall(b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
    told["in the clear"] = "HTTP" in plain.recv(1000).decode("latin-1")
context = ssl.create_default_context(cafile=certificate)
context.maximum_version = ssl.TLSVersion.TLSv1_2
with context.wrap_socket(socket.create_connection((at.hostname, at.port), timeout=30), server_hostname=at.hostname) as old:
    told["TLS"] = old.version()

# The cookie of a person goes over TLS alone.
page = requests.Session().get(ready["open"], verify=certificate, timeout=30)
told["sign-in page"] = (page.status_code, urlsplit(page.url).scheme)

# A unit's photo by the API, and an ad by the form that the API hands out.
config = botocore.config.Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1})
s3 = boto3.client("s3", endpoint_url=s3_at, verify=certificate, region_name=ready["region"],
                  aws_access_key_id=ready["access_key_id"], aws_secret_access_key=ready["secret_access_key"], config=config)
s3.put_object(Bucket=ready["ads_bucket"], Key="ads/uploader/a.jpg", Body=b"no picture")
told["object"] = s3.head_object(Bucket=ready["ads_bucket"], Key="ads/uploader/a.jpg")["ContentLength"]
bearer = {"Authorization": "Bearer " + ready["tokens"]["uploader"]}
form = requests.post(f"{api}/v1/uploads", json={}, headers=bearer, verify=certificate, timeout=30)
told["form"] = form.json().get("url", form.text).startswith(s3_at)
print(json.dumps(told))
