"""Reads messages as JSON on stdin, prints for each whether its signature holds.

`whsec_` keys: the Standard Webhooks library. `whpk_` keys: that library has no verifier, so the
specification is followed with the `cryptography` package: base64 after the prefix is the public
key, the signed content is `{id}.{timestamp}.{body}`, any `v1a` signature of the list may fit.
"""

import base64
import json
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks.webhooks import Webhook, WebhookVerificationError


def holds_shared(message):
    try:
        Webhook(message["key"]).verify(message["body"], message["headers"])
        return True
    except WebhookVerificationError:
        return False


def holds_public(message):
    headers = message["headers"]
    raw = base64.b64decode(message["key"].removeprefix("whpk_"), validate=True)
    key = Ed25519PublicKey.from_public_bytes(raw)
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{message['body']}"
    for entry in headers["webhook-signature"].split(" "):
        version, signature = entry.split(",")
        if version != "v1a":
            continue
        try:
            key.verify(base64.b64decode(signature, validate=True), content.encode())
            return True
        except InvalidSignature:
            pass
    return False


messages = json.load(sys.stdin)
verdicts = [
    holds_public(m) if m["key"].startswith("whpk_") else holds_shared(m) for m in messages
]
json.dump(verdicts, sys.stdout)
