"""A stage in `cloud.py`'s cloud: made by CloudFormation without SAM, given tenants, fed, and looked at."""
import base64, hashlib, json, os, pathlib, secrets, subprocess, sys, time, urllib.request
import boto3, botocore.config

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PATIENCE_S = 240
EDGES = {"AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "admin", "AWS_SECRET_ACCESS_KEY": "admin"}


class Cloud:
    def __init__(self, programs, logs):
        os.environ.update(EDGES)
        command = [sys.executable, str(HERE / "cloud.py"), str(programs), str(logs)]
        errors = open(pathlib.Path(logs).with_suffix(".cloud.log"), "wb")
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True)
        self.url = self.process.stdout.readline().strip()
        os.environ["AWS_ENDPOINT_URL"] = self.url

    def client(self, service):
        return boto3.client(service, config=botocore.config.Config(read_timeout=300, s3={"addressing_style": "path"}))

    def control(self, what):
        with urllib.request.urlopen(f"{self.url}/_cloud/{what}", timeout=60) as answer:
            return json.load(answer)

    def end(self):
        self.process.stdin.close()
        self.process.wait()


class Stage:
    def __init__(self, cloud, name, is_made=False):
        self.cloud, self.name, self.stack = cloud, name, f"homeward-{name}"
        self.s3, self.dynamodb, self.formation = (cloud.client(it) for it in ("s3", "dynamodb", "cloudformation"))
        if not is_made:
            self.make()
        outputs = self.formation.describe_stacks(StackName=self.stack)["Stacks"][0]["Outputs"]
        outputs = {it["OutputKey"]: it["OutputValue"] for it in outputs}
        self.api, self.ads, self.references = outputs["ApiUrl"], outputs["AdsBucketName"], outputs["ReferencesBucketName"]
        self.segments, self.tokens = self.ads.replace("-ads-", "-segments-"), {}

    def make(self):
        from samtranslator.yaml_helper import yaml_parse
        template = yaml_parse((ROOT / "infra/template.yaml").read_text())
        try:
            self.s3.create_bucket(Bucket="artefacts", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        except self.s3.exceptions.BucketAlreadyOwnedByYou:
            pass
        self.s3.put_object(Bucket="artefacts", Key="program.zip", Body=EMPTY_ZIP)
        template["Globals"]["Function"]["CodeUri"] = "s3://artefacts/program.zip"
        # Tails move into segments at once, so that there is something to lose.
        parameters = {"Stage": self.name, "TailItemsMin": "1", "AdsKeptDays": "0", "WebhookNetworks": "127.0.0.0/8"}
        wanted = [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()]
        self.formation.create_change_set(StackName=self.stack, ChangeSetName="made", ChangeSetType="CREATE", TemplateBody=json.dumps(template),
            Parameters=wanted, Capabilities=["CAPABILITY_IAM"])
        self.formation.execute_change_set(ChangeSetName="made", StackName=self.stack)

    def ask(self, who, method, path, body=None):
        headers = {"authorization": f"Bearer {self.tokens[who]}", "content-type": "application/json"}
        data = json.dumps(body).encode() if body is not None else None
        asked = urllib.request.Request(self.api + path, data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(asked, timeout=120) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            raise SystemExit(f"{method} {path}: {error.code} {error.read()[:300]}")

    def tenants(self):
        token = "hw_" + base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")
        key = {"pk": {"S": "token#" + hashlib.sha256(token.encode()).hexdigest()}, "sk": {"S": "token"}}
        self.dynamodb.put_item(TableName=f"{self.stack}-tenants", Item=key | {"tenant": {"S": "admin"}, "role": {"S": "admin"}})
        self.tokens["admin"] = token
        self.ask("admin", "POST", "/v1/tenants", {"tenant": "unit", "is_unit": True, "legal_basis": "a test"})
        self.ask("admin", "POST", "/v1/tenants", {"tenant": "uploader", "is_uploader": True})
        for who in ("unit", "uploader"):
            self.tokens[who] = self.ask("admin", "POST", f"/v1/tenants/{who}/tokens", {"role": who})["token"]

    def all(self, who, path):
        items, after = [], ""
        while True:
            page = self.ask(who, "GET", f"{path}{'&' if '?' in path else '?'}limit=100{after}")
            items += page["items"]
            reached, after = after, f"&after={page['next']}" if page.get("next") else ""
            if not after or after == reached:
                return items

    def put_photos(self, paths):
        for path in paths:
            self.s3.put_object(Bucket=self.references, Key=f"references/unit/{path.name}/photo.jpg", Body=path.read_bytes())
        until(f"{len(paths)} more photos are active", lambda: {it.name for it in paths} <= {it["case_id"] for it in self.all("unit", "/v1/references") if it["status"] == "active"})

    def put_ads(self, paths):
        for path in paths:
            self.s3.put_object(Bucket=self.ads, Key=f"ads/uploader/{path.name}", Body=path.read_bytes())
        self.recorded({it.name for it in paths})

    def recorded(self, names):
        until(f"{len(names)} ads are recorded", lambda: names <= {it["object_key"].split("/")[-1] for it in self.all("uploader", "/v1/uploads") if it["state"] == "recorded"})

    def segment(self, prefix):
        """A manifest and a segment."""
        until(f"a segment below {prefix}", lambda: self.s3.list_objects_v2(Bucket=self.segments, Prefix=prefix).get("KeyCount", 0) >= 2)

    def lose(self, prefix):
        pages = self.s3.get_paginator("list_object_versions").paginate(Bucket=self.segments, Prefix=prefix)
        lost = [it for page in pages for it in page.get("Versions", []) + page.get("DeleteMarkers", [])]
        assert lost, f"there is nothing below {prefix}"
        for it in lost:
            self.s3.delete_object(Bucket=self.segments, Key=it["Key"], VersionId=it["VersionId"])

    def pairs(self):
        """Each pair of case and ad that there is a lead of, as often as there is one."""
        leads = self.all("unit", "/v1/leads?level=alert")
        return sorted((it["case_id"], sighting["object_key"].split("/")[-1]) for it in leads for sighting in it["sightings"])


EMPTY_ZIP = b"PK\x05\x06" + bytes(18)


def until(what, holds):
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > deadline:
            raise SystemExit(f"not within {PATIENCE_S} s: {what}")
        time.sleep(1)
    print(f"{what}", file=sys.stderr, flush=True)
