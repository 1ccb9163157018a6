#!/usr/bin/env python3
"""AWS on one machine: moto with what it lacks, so that `infra/deploy` deploys into it and the programs run there.

usage: cloud.py PROGRAMS LOGS
PROGRAMS is the folder of the built programs: they run in the place of the artefacts that were deployed, under a
Runtime API of their own, with the environment and the role that CloudFormation made. Their logs go to LOGS. Prints its address.
Ends when standard input ends. One call at a time reaches moto, whose transactions are not isolated.

What is bent: timers fire every few seconds, whatever their rate; a message is delivered again at once; moto's
restore to a point in time knows no times, so POST /_cloud/moment keeps all tables, and a restore takes the last one
that was kept before its time; POST /_cloud/age makes every object two hours older, as if it had waited.
GET /_cloud/rights tells of every call by a function's role, held against the policies as they were deployed.
"""
import ast, base64, collections, copy, datetime, fnmatch, io, json, os, pathlib, queue, re, subprocess, sys, threading, time, urllib.parse, uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ACCOUNT, REGION = "123456789012", os.environ.get("AWS_REGION", "eu-central-1")
os.environ.update(MOTO_ACCOUNT_ID=ACCOUNT, AWS_DEFAULT_REGION=REGION)
import boto3, botocore.config
from moto.awslambda.models import LambdaBackend, lambda_backends
from moto.cloudformation.models import CloudFormationBackend
import moto.cloudformation.responses
from moto.core.common_models import CloudFormationModel
from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.events.models import events_backends
from moto.iam.models import iam_backends
from moto.kms.models import Key
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.models import FakeBucket, NotificationConfiguration, s3_backends
from moto.sqs.models import sqs_backends
from werkzeug.serving import make_server

PROGRAMS, LOGS = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
TIMERS_EVERY_S = 4
LOCK = threading.RLock()       # who holds it asks the server nothing
STARTING = threading.Lock()
URL = None
POLICIES = {}                  # of buckets
ROLE_OF_KEY = {}               # which role signs with an access key
FUNCTIONS = {}                 # by name, once they were called


# ---------------------------------------------------------------- what moto's CloudFormation lacks
def stub(type_, name=None, attributes=(), hook=None):
    class Stub(CloudFormationModel):
        __module__ = "moto.stubs"

        def __init__(self, called, properties):
            self.called, self.attributes = called, {a: called for a in attributes}
            self.attributes.update((hook(properties) if hook else None) or {})

        physical_resource_id = property(lambda self: self.called)
        cloudformation_name_type = staticmethod(lambda: name or "")
        cloudformation_type = staticmethod(lambda: type_)
        has_cfn_attr = classmethod(lambda cls, attribute: attribute in attributes)
        get_cfn_attribute = lambda self, attribute: self.attributes[attribute]
        delete_from_cloudformation_json = classmethod(lambda cls, *a, **k: None)
        update_from_cloudformation_json = classmethod(lambda cls, original_resource, *a, **k: original_resource)

        @classmethod
        def create_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs):
            return cls(resource_name or uuid.uuid4().hex[:10], cloudformation_json.get("Properties", {}))

    Stub.__name__ = "Stub" + type_.replace(":", "")
    return Stub


def keep_queue_policy(properties):
    for url in properties["Queues"]:
        name = url.rsplit("/", 1)[-1]
        sqs_backends[ACCOUNT][REGION].set_queue_attributes(name, {"Policy": json.dumps(properties["PolicyDocument"])})


def keep_bucket_policy(properties):
    POLICIES[properties["Bucket"]] = properties["PolicyDocument"]["Statement"]


def open_api(properties):
    """A front that hands requests to the function that the API's document names."""
    uri = re.search(r"function:(homeward-[\w-]+)", json.dumps(properties["Body"]))
    return {"ApiEndpoint": Front(uri.group(1)).url}


STUBS = [
    stub("AWS::ApiGatewayV2::Api", "Name", ("ApiEndpoint", "ApiId"), open_api), stub("AWS::ApiGatewayV2::Stage", "StageName"),
    stub("AWS::SQS::QueuePolicy", hook=keep_queue_policy), stub("AWS::S3::BucketPolicy", hook=keep_bucket_policy),
    stub("AWS::CloudWatch::Alarm", "AlarmName", ("Arn",)), stub("AWS::Lambda::EventInvokeConfig"), stub("AWS::SNS::TopicPolicy"),
]


def whole_bucket(original):
    """Versions and notifications, which moto leaves out."""
    def create(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs):
        bucket = original(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs)
        properties = cloudformation_json.get("Properties", {})
        if properties.get("VersioningConfiguration", {}).get("Status") == "Enabled":
            bucket.versioning_status = "Enabled"
        told = properties.get("NotificationConfiguration", {}).get("QueueConfigurations", [])
        rules = lambda q: [{"Name": it["Name"], "Value": it["Value"]} for it in q["Filter"]["S3Key"]["Rules"]]
        queues = [{"Queue": q["Queue"], "Event": [q["Event"]], "Id": uuid.uuid4().hex, "Filter": {"S3Key": {"FilterRule": rules(q)}}} for q in told]
        if queues:
            bucket.set_notification_configuration({"QueueConfiguration": queues})
        return bucket
    return classmethod(create)


def plain_key(original):
    """moto wants tags of keys in the words of KMS's API."""
    def create(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs):
        plain = json.loads(json.dumps(cloudformation_json))
        tags = plain.get("Properties", {}).get("Tags", [])
        plain.get("Properties", {})["Tags"] = [{"TagKey": it["Key"], "TagValue": it["Value"]} for it in tags]
        return original(cls, resource_name, plain, account_id, region_name, **kwargs)
    return classmethod(create)


def expanded(template, parameters):
    """The serverless transform, by AWS's own translator."""
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator
    from samtranslator.yaml_helper import yaml_parse
    read = yaml_parse(template)
    if "Transform" not in read:
        return template
    values = {name: it.get("Default") for name, it in read.get("Parameters", {}).items()} | parameters
    made = Translator({}, Parser()).translate(read, values)
    made.pop("Transform", None)
    return json.dumps(made)


def with_transform(original):
    return lambda self, stack_name, change_set_name, template, parameters, *a, **k: original(
        self, stack_name, change_set_name, expanded(template, parameters), parameters, *a, **k)


def with_outputs(original):
    """moto forgets the outputs of a stack that a change set makes."""
    def execute(self, change_set_name, stack_name=None):
        original(self, change_set_name, stack_name)
        for stack in self.stacks.values():
            if stack.template:
                stack._parse_template()
                stack.output_map = stack._create_output_map()
    return execute


def template_from_s3(self, template_url):
    bucket, key = urllib.parse.urlparse(template_url).path.lstrip("/").split("/", 1)
    return s3_backends[self.current_account][self.partition].get_object(bucket, key).value.decode("utf-8")


def without_own_events(original):
    """moto would run a function in Docker for each event of a source: the sources are read here instead."""
    def create(self, spec):
        made = original(self, spec)
        sources = [q for b in sqs_backends[ACCOUNT].values() for q in b.queues.values()]
        sources += [t for b in dynamodb_backends[ACCOUNT].values() for t in b.tables.values()]
        for source in sources:
            getattr(source, "lambda_event_source_mappings", {}).clear()
        return made
    return create


def with_recovery(original):
    """moto forgets that a template asks for recovery to a point in time; that it does is a test of its own."""
    def describe(self, table_name):
        found, now = original(self, table_name), time.time()
        known = {"PointInTimeRecoveryStatus": "ENABLED", "EarliestRestorableDateTime": now - 86_400, "LatestRestorableDateTime": now}
        return found | {"PointInTimeRecoveryDescription": known}
    return describe


DynamoDBBackend.describe_continuous_backups = with_recovery(DynamoDBBackend.describe_continuous_backups)
FakeBucket.create_from_cloudformation_json = whole_bucket(FakeBucket.create_from_cloudformation_json.__func__)
Key.create_from_cloudformation_json = plain_key(Key.create_from_cloudformation_json.__func__)
CloudFormationBackend.create_change_set = with_transform(CloudFormationBackend.create_change_set)
CloudFormationBackend.execute_change_set = with_outputs(CloudFormationBackend.execute_change_set)
moto.cloudformation.responses.CloudFormationResponse._get_stack_from_s3_url = template_from_s3
LambdaBackend.create_event_source_mapping = without_own_events(LambdaBackend.create_event_source_mapping)


# ---------------------------------------------------------------- who may what
USED, DENIED = collections.Counter(), []


def policies_of(role):
    backend = iam_backends[ACCOUNT]["aws"]
    documents = [backend.get_role_policy(role, name)[1] for name in backend.list_role_policies(role)]
    read = [it if isinstance(it, dict) else json.loads(it) if it.lstrip().startswith('{"') else ast.literal_eval(it) for it in documents]
    return [it for document in read for it in listed(document["Statement"]) if it]


def listed(value):
    return value if isinstance(value, list) else [value]


def likened(value, patterns):
    return any(fnmatch.fnmatchcase(value, it.replace("[", "[[]")) for it in listed(patterns))


def matches_statement(statement, action, resource, context):
    if not any(fnmatch.fnmatchcase(action.lower(), it.lower()) for it in listed(statement["Action"])):
        return False
    if action.startswith("kms:"):
        bound = statement.get("Condition", {}).get("StringLike", {}).get("kms:EncryptionContext:aws:s3:arn", "*")
        return likened(resource, bound)
    if "NotResource" in statement:
        return not likened(resource, statement["NotResource"])
    conditions = [(key, wanted) for it in statement.get("Condition", {}).values() for key, wanted in it.items()]
    return likened(resource, statement["Resource"]) and all(likened(context.get(key, ""), wanted) for key, wanted in conditions)


def s3_actions(env):
    path = env["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
    bucket, _, key = path.lstrip("/").partition("/")
    asked = urllib.parse.parse_qs(env.get("QUERY_STRING", ""), keep_blank_values=True)
    of_bucket, of_object, method = f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/{key}", env["REQUEST_METHOD"]
    if not key:
        if "versions" in asked:
            return [("s3:ListBucketVersions", of_bucket, {})]
        if method in ("GET", "HEAD"):
            return [("s3:ListBucket", of_bucket, {"s3:prefix": asked.get("prefix", [""])[0]})]
        return [(f"s3:{method} of a bucket", of_bucket, {})]
    version = "Version" if "versionId" in asked else ""
    if method in ("GET", "HEAD"):
        return [(f"s3:GetObject{version}", of_object, {}), ("kms:Decrypt", of_bucket, {})]
    if method == "DELETE":
        return [(f"s3:DeleteObject{version}", of_object, {})]
    actions = [("s3:PutObject", of_object, {}), ("kms:GenerateDataKey", of_bucket, {})]
    source = urllib.parse.unquote(env.get("HTTP_X_AMZ_COPY_SOURCE", "")).lstrip("/")
    if source:
        read = "s3:GetObjectVersion" if "versionId=" in source else "s3:GetObject"
        actions += [(read, f"arn:aws:s3:::{source.split('?')[0]}", {}), ("kms:Decrypt", f"arn:aws:s3:::{source.split('/')[0]}", {})]
    if env.get("HTTP_IF_MATCH"):
        actions.append(("s3:GetObject", of_object, {}))
    return actions


def dynamodb_actions(operation, body):
    table = lambda name: name if name.startswith("arn:") else f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"
    steps = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}
    if operation == "TransactWriteItems":
        return [(f"dynamodb:{steps[kind]}", table(it["TableName"]), {}) for step in body["TransactItems"] for kind, it in step.items()]
    if operation in ("BatchGetItem", "BatchWriteItem"):
        return [(f"dynamodb:{operation}", table(it), {}) for it in body["RequestItems"]]
    if operation == "TransactGetItems":
        return [("dynamodb:GetItem", table(it["Get"]["TableName"]), {}) for it in body["TransactItems"]]
    return [(f"dynamodb:{operation}", table(body.get("StreamArn") or body.get("TableName", "")), {})]


def actions_of(env, body):
    service, _, operation = env.get("HTTP_X_AMZ_TARGET", "").partition(".")
    if service.startswith("DynamoDBStreams"):
        stream = body.get("StreamArn") or body.get("ShardIterator", "").split("|")[0]
        return [(f"dynamodb:{operation}", stream, {})]
    if service.startswith("DynamoDB"):
        return dynamodb_actions(operation, body)
    if service.startswith("AmazonSQS"):
        name = body.get("QueueUrl", "").rsplit("/", 1)[-1]
        plain = operation.replace("MessageBatch", "Message").replace("ChangeMessageVisibility", "DeleteMessage")
        return [(f"sqs:{plain}", f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}", {})]
    invoked = re.match(r"/2015-03-31/functions/([^/]+)/invocations", env["PATH_INFO"])
    if invoked:
        return [("lambda:InvokeFunction", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{urllib.parse.unquote(invoked.group(1))}", {})]
    return s3_actions(env) if not service else [(f"{service}:{operation}", "", {})]


def refused_by_role(role, actions):
    statements = policies_of(role)
    for action, resource, context in actions:
        fitting = [it for it in statements if it["Effect"] == "Allow" and matches_statement(it, action, resource, context)]
        if not fitting:
            DENIED.append([role, action, resource])
            return True
        for it in fitting:
            USED[(role, it["Sid"], action)] += 1
    return False


def refused_by_bucket(actions):
    of_s3 = [it for it in actions if it[0].startswith("s3:")]
    return any(
        it["Effect"] == "Deny" and not it.get("Condition") and matches_statement(it, action, resource, context)
        for action, resource, context in of_s3
        for it in POLICIES.get(resource.split(":::")[1].split("/")[0], []))


def rights():
    granted = {(role.name, it["Sid"], action) for role in iam_backends[ACCOUNT]["aws"].get_roles() if role.name.startswith("homeward") or "Role" in role.name
               for it in policies_of(role.name) for action in listed(it["Action"])}
    # What Lambda asks in a role's name is not asked here: logs, failures, attributes of queues, lists of streams.
    by_lambda = ("logs:", "xray:", "sqs:GetQueueAttributes", "dynamodb:ListStreams")
    unused = sorted([role.split("-")[2], sid, action] for role, sid, action in granted - set(USED) if not action.startswith(by_lambda))
    return {"calls": sum(USED.values()), "granted": len(granted), "denied": DENIED, "unused": unused}


# ---------------------------------------------------------------- the programs
def credentials_of(role_arn, called):
    made = client("sts").assume_role(RoleArn=role_arn, RoleSessionName=called)["Credentials"]
    ROLE_OF_KEY[made["AccessKeyId"]] = role_arn.split("/")[-1]
    return {"aws_access_key_id": made["AccessKeyId"], "aws_secret_access_key": made["SecretAccessKey"], "aws_session_token": made["SessionToken"]}


def client(service, **signing):
    signing = signing or {"aws_access_key_id": "admin", "aws_secret_access_key": "admin"}
    config = botocore.config.Config(retries={"total_max_attempts": 1}, read_timeout=900, proxies={}, s3={"addressing_style": "path"})
    return boto3.client(service, endpoint_url=URL, region_name=REGION, config=config, **signing)


def silent(handler):
    handler.protocol_version, handler.log_message = "HTTP/1.1", lambda self, *a: None
    return handler


def body_of(request):
    length = request.headers.get("Content-Length")
    if length is not None:
        return request.rfile.read(int(length))
    body = b""
    while request.headers.get("Transfer-Encoding"):
        size = int(request.rfile.readline().strip() or b"0", 16)
        chunk = request.rfile.read(size)
        request.rfile.readline()
        if size == 0:
            break
        body += chunk
    return body


def respond(request, status, body=b"", headers=()):
    request.send_response(status)
    for name, value in headers:
        request.send_header(name, value)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


class Function:
    """A deployed function: the built program of its name, under a Runtime API, one event at a time."""

    def __init__(self, name):
        made = lambda_backends[ACCOUNT][REGION].get_function(name)
        self.name, self.timeout, self.arn = name, int(made.timeout), made.function_arn
        self.events, self.answers, self.changed, self.one = queue.Queue(), {}, threading.Condition(), threading.Lock()
        self.signing = credentials_of(made.role, name)
        program = name.split("-")[2]      # homeward-STAGE-PROGRAM, or homeward-STAGE-picture-ads
        self.process = subprocess.Popen([str(PROGRAMS / program)], env=self.environment(made), stdin=subprocess.DEVNULL, stdout=self.log(), stderr=self.log())

    def log(self):
        return open(LOGS / f"{self.name}.log", "ab")

    def environment(self, made):
        server = ThreadingHTTPServer(("127.0.0.1", 0), self.runtime())
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        variables = {name: str(value) for name, value in made.environment_vars.items() if value is not None}
        return variables | {
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_port}", "AWS_LAMBDA_FUNCTION_NAME": self.name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(made.memory_size), "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_LOG_GROUP_NAME": "x", "AWS_LAMBDA_LOG_STREAM_NAME": "x", "AWS_REGION": REGION, "AWS_ENDPOINT_URL": URL,
            "AWS_ACCESS_KEY_ID": self.signing["aws_access_key_id"], "AWS_SECRET_ACCESS_KEY": self.signing["aws_secret_access_key"],
            "AWS_SESSION_TOKEN": self.signing["aws_session_token"], "PATH": "/usr/bin:/bin", "RUST_LOG": "info"}

    def runtime(function):
        class Runtime(BaseHTTPRequestHandler):
            def do_GET(self):
                number, event = function.events.get()
                deadline_ms = int((time.time() + function.timeout) * 1000)
                respond(self, 200, event, [("Content-Type", "application/json"), ("Lambda-Runtime-Aws-Request-Id", number),
                    ("Lambda-Runtime-Deadline-Ms", str(deadline_ms)), ("Lambda-Runtime-Invoked-Function-Arn", function.arn)])

            def do_POST(self):
                body, parts = body_of(self), self.path.split("/")
                with function.changed:
                    function.answers[parts[4]] = (parts[5] if len(parts) > 5 else "error", body)
                    function.changed.notify_all()
                respond(self, 202)
        return silent(Runtime)

    def invoke(self, event):
        """Whether it did its work, and what it answered."""
        number = str(uuid.uuid4())
        with self.one, self.changed:
            self.events.put((number, json.dumps(event).encode() if not isinstance(event, bytes) else event))
            end = time.time() + self.timeout
            while number not in self.answers:
                self.changed.wait(1)
                if self.process.poll() is not None or time.time() > end:
                    print(f"{self.name} died or is silent", file=sys.stderr)
                    return False, b'{"errorMessage": "it died or is silent"}'
            kind, body = self.answers.pop(number)
            return kind == "response", body


def function(name):
    name = urllib.parse.unquote(name).split(":function:")[-1]
    with STARTING:
        if name not in FUNCTIONS:
            FUNCTIONS[name] = Function(name)
        return FUNCTIONS[name]


def is_throttled(name):
    reserved = lambda_backends[ACCOUNT][REGION].get_function(urllib.parse.unquote(name)).reserved_concurrency
    return reserved is not None and int(reserved) == 0


class Front:
    """The HTTP API in front of a function, payload format 2.0."""

    def __init__(self, name):
        front = self

        class Handler(BaseHTTPRequestHandler):
            def do(self):
                front.answer(self, name)
            do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), silent(Handler))
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, request, name):
        path, _, asked = request.path.partition("?")
        body = body_of(request)
        http = {"method": request.command, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.1", "userAgent": "cloud"}
        event = {"version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": asked, "isBase64Encoded": True,
            "headers": {it.lower(): value for it, value in request.headers.items()}, "body": base64.b64encode(body).decode() if body else None,
            "requestContext": {"accountId": ACCOUNT, "apiId": "a", "domainName": "x", "domainPrefix": "x", "http": http, "requestId": "r",
                "routeKey": "$default", "stage": "$default", "time": "29/Nov/2026:07:00:00 +0000", "timeEpoch": int(time.time() * 1000)}}
        if is_throttled(name):
            return respond(request, 503, b'{"message":"Service Unavailable"}')
        is_done, answer = function(name).invoke(event)
        if not is_done:
            return respond(request, 500, b'{"message":"Internal Server Error"}')
        answer = json.loads(answer)
        text = answer.get("body") or ""
        headers = [*answer.get("headers", {}).items(), *(("set-cookie", it) for it in answer.get("cookies", []))]
        headers = [it for it in headers if it[0].lower() != "content-length"]
        respond(request, answer["statusCode"], base64.b64decode(text) if answer.get("isBase64Encoded") else text.encode(), headers)


# ---------------------------------------------------------------- what wakes them
def fits(pattern, change):
    return all((key in change and fits(wanted, change[key])) if isinstance(wanted, dict) else change.get(key) in wanted for key, wanted in pattern.items())


def failed_of(is_done, answer):
    return [it["itemIdentifier"] for it in (json.loads(answer) or {}).get("batchItemFailures", [])] if is_done else None


def read_queue(mapping):
    works = function(mapping.function_arn)
    sqs, name = client("sqs", **works.signing), mapping.event_source_arn.split(":")[-1]
    url = f"{URL}/{ACCOUNT}/{name}"
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0, AttributeNames=["All"]).get("Messages", [])
    if not messages:
        return 0
    records = [{"messageId": it["MessageId"], "receiptHandle": it["ReceiptHandle"], "body": it["Body"], "attributes": it.get("Attributes", {}),
        "messageAttributes": {}, "md5OfBody": it["MD5OfBody"], "eventSource": "aws:sqs", "eventSourceARN": mapping.event_source_arn, "awsRegion": REGION} for it in messages]
    failed = failed_of(*works.invoke({"Records": records}))
    for it in messages:
        if failed is None or it["MessageId"] in failed:
            sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=it["ReceiptHandle"], VisibilityTimeout=2)
        else:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=it["ReceiptHandle"])
    return len(messages)


def plain(value):
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value.timestamp() if hasattr(value, "timestamp") else str(value)


PLACES = {}                    # how far each stream was read, by mapping


def read_stream(mapping):
    works, stream = function(mapping.function_arn), mapping.event_source_arn
    streams = client("dynamodbstreams", **works.signing)
    if mapping.uuid not in PLACES:
        shards = streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"]
        start = lambda shard: streams.get_shard_iterator(StreamArn=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        PLACES[mapping.uuid] = {it["ShardId"]: start(it) for it in shards}
    patterns = [json.loads(it["Pattern"]) for it in mapping.filter_criteria["Filters"]]
    told = 0
    for shard, place in list(PLACES[mapping.uuid].items()):
        page = streams.get_records(ShardIterator=place, Limit=int(mapping.batch_size or 100))
        changes = json.loads(json.dumps(page["Records"], default=plain))
        changes = [it | {"eventSourceARN": stream} for it in changes if any(fits(pattern, it) for pattern in patterns)]
        hand_over(works, changes)
        PLACES[mapping.uuid][shard] = page["NextShardIterator"]
        told += len(page["Records"])
    return told


def hand_over(works, changes):
    for _ in range(50):
        if not changes:
            return
        failed = failed_of(*works.invoke({"Records": changes}))
        if failed == []:
            return
        number = lambda it: it["dynamodb"]["SequenceNumber"]
        at = next((i for i, it in enumerate(changes) if failed and number(it) == failed[0]), 0)
        changes = changes[at:]
        time.sleep(0.5)
    print("given up", works.name, len(changes), file=sys.stderr)


def read_source(mapping):
    while True:
        told = 0
        try:
            if mapping.enabled and not is_throttled(mapping.function_arn):
                told = read_queue(mapping) if ":sqs:" in mapping.event_source_arn else read_stream(mapping)
        except Exception as error:
            print(mapping.event_source_arn, repr(error)[:300], file=sys.stderr)
            time.sleep(1)
        time.sleep(0.05 if told else 0.4)


def fire(rule):
    for target in rule.targets:
        name = target["Arn"].split(":function:")[-1]
        if not is_throttled(name):
            event = json.loads(target.get("Input") or '{"version":"0","source":"aws.events","detail-type":"Scheduled Event"}')
            function(name).invoke(event)


def wake():
    """Each source of events has a thread of its own; timers take turns."""
    read = set()
    while True:
        with LOCK:
            mappings = list(lambda_backends[ACCOUNT][REGION]._event_source_mappings.values())
            rules = [it for it in events_backends[ACCOUNT][REGION].event_buses["default"].rules.values() if it.scheduled_expression]
        for mapping in mappings:
            if mapping.uuid not in read:
                read.add(mapping.uuid)
                threading.Thread(target=read_source, args=(mapping,), daemon=True).start()
        for rule in rules:
            try:
                if rule.state == "ENABLED":
                    fire(rule)
            except Exception as error:
                print(rule.name, repr(error)[:300], file=sys.stderr)
        time.sleep(TIMERS_EVERY_S)


# ---------------------------------------------------------------- the server
MOMENTS = []                   # (time, items of each table)


def keep_moment():
    tables = dynamodb_backends[ACCOUNT][REGION].tables
    MOMENTS.append((datetime.datetime.now(datetime.timezone.utc), {name: copy.deepcopy(it.items) for name, it in tables.items()}))


def age_objects():
    for bucket in s3_backends[ACCOUNT]["aws"].buckets.values():
        for key in list(bucket.keys.values()):
            key.last_modified -= datetime.timedelta(hours=2)


def put_back(body):
    """What was in a table at the time that its restore asks for."""
    wanted = datetime.datetime.fromtimestamp(body["RestoreDateTime"], datetime.timezone.utc)
    kept = [items for at, items in MOMENTS if at <= wanted]
    table = dynamodb_backends[ACCOUNT][REGION].tables[body["TargetTableName"]]
    table.items = copy.deepcopy(kept[-1][body["SourceTableName"]])
    table.stream_specification = table.latest_stream_label = None


def field(form, name):
    """A field of a form that uploads."""
    found = re.search(rb'name="' + name.encode() + rb'"[^\r]*\r\n(?:[^\r]+\r\n)*\r\n([^\r]*)', form[:65_536], re.I)
    return found.group(1).decode("utf-8", "replace") if found else ""


CONTROLS = {"moment": keep_moment, "age": age_objects, "rights": rights}


class Gate:
    """Everything that is asked of the services comes by here."""

    def __init__(self, application):
        self.application = application

    def __call__(self, env, start):
        if env["PATH_INFO"].startswith("/_cloud/"):
            with LOCK:
                said = CONTROLS[env["PATH_INFO"].split("/")[2]]()
            return answered(start, 200, json.dumps(said).encode())
        is_form = env.get("CONTENT_TYPE", "").startswith("multipart/form-data")
        is_read = is_form or "HTTP_X_AMZ_TARGET" in env or "/invocations" in env["PATH_INFO"]
        raw = env["wsgi.input"].read(int(env.get("CONTENT_LENGTH") or 0)) if is_read else b""
        if is_read:
            env["wsgi.input"] = io.BytesIO(raw)
        body = json.loads(raw) if "HTTP_X_AMZ_TARGET" in env and raw else {}
        signed = field(raw, "x-amz-credential") if is_form else env.get("HTTP_AUTHORIZATION", "").partition("Credential=")[2]
        role = ROLE_OF_KEY.get(signed.split("/")[0])
        with LOCK:
            of_form = [("s3:PutObject", f"arn:aws:s3:::{env['PATH_INFO'].strip('/')}/{field(raw, 'key')}", {}), ("kms:GenerateDataKey", f"arn:aws:s3:::{env['PATH_INFO'].strip('/')}", {})]
            actions = of_form if is_form else actions_of(env, body) if role or not is_read else []
            if (role and refused_by_role(role, actions)) or refused_by_bucket(actions):
                return denied(env, start)
        invoked = re.match(r"/2015-03-31/functions/([^/]+)/invocations", env["PATH_INFO"])
        if invoked:
            return self.invoke(start, invoked.group(1), raw)
        with LOCK:
            status = []
            whole = list(self.application(env, lambda it, headers, *more: (status.append(it), start(it, headers, *more))[1]))
            if env.get("HTTP_X_AMZ_TARGET", "").endswith(".RestoreTableToPointInTime") and status[0].startswith("200"):
                put_back(body)
        return whole

    def invoke(self, start, name, raw):
        if is_throttled(name):
            return answered(start, 429, b'{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded"}', [("x-amzn-errortype", "TooManyRequestsException")])
        is_done, answer = function(name).invoke(raw)
        return answered(start, 200, answer, [] if is_done else [("X-Amz-Function-Error", "Unhandled")])


def answered(start, status, body, headers=()):
    start(f"{status} said", [("Content-Type", "application/json"), ("Content-Length", str(len(body))), *headers])
    return [body]


def denied(env, start):
    if "HTTP_X_AMZ_TARGET" in env:
        return answered(start, 400, json.dumps({"__type": "AccessDeniedException", "message": "no"}).encode())
    body = b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"
    start("403 Forbidden", [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
    return [body]


def main():
    global URL
    LOGS.mkdir(parents=True, exist_ok=True)
    application = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", 0, Gate(application), threaded=True)
    URL = f"http://127.0.0.1:{server.server_port}"
    print(URL, flush=True)
    threading.Thread(target=wake, daemon=True).start()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()
    for it in FUNCTIONS.values():
        it.process.kill()
    os._exit(0)


if __name__ == "__main__":
    main()
