"""What `infra/restore` and `infra/move` do: bring back what a stage held, and let its programs go on from there.

Both work on a stage that stands. They stop what writes, write tables in place so that streams, names and the
stack stay what they are, have `upkeep` bring the searchable sets into agreement, and start again. Every step can
be repeated: what is done already is found done.
"""
import argparse, base64, concurrent.futures, datetime, hashlib, json, pathlib, secrets, sys, time
import boto3, botocore.config, botocore.exceptions

# Tables that say what is known and sought. The others say what was told, by whom, and who may: what was told
# stays told, and who lost a right does not get it back.
PUT_BACK = ("ads", "ads-tail", "references", "references-tail", "searches")
STAYS = ("leads", "deliveries", "tenants", "audit")
ENDED = ("withdrawn", "expired", "rejected")
LONGEST_RUN_S = 900            # of a function: after that long, none that began before writes any more
READS_AT_ONCE, WRITES_AT_ONCE = 100, 25          # DynamoDB's limits of a batch
THREADS = 8


def stop(cause, step):
    sys.exit(f"stopped: {cause}\nnext: {step}")


def say(text):
    print(text, flush=True)


class Stage:
    """A stage as its stack stands: the resources by their types, and the services in its region."""

    def __init__(self, name, region=None):
        self.name, self.stack, self.region = name, f"homeward-{name}", region
        config = botocore.config.Config(read_timeout=LONGEST_RUN_S + 60, retries={"total_max_attempts": 5})
        once = botocore.config.Config(read_timeout=LONGEST_RUN_S + 60, retries={"total_max_attempts": 1})
        make = lambda service, config=config: boto3.client(service, region_name=region, config=config)
        self.dynamodb, self.s3, self.functions_once = make("dynamodb"), make("s3"), make("lambda", once)
        self.functions, self.events, self.formation = make("lambda"), make("events"), make("cloudformation")
        self.of_type, self.parameters = self.look()
        self.tables = {it.removeprefix(self.stack + "-"): it for it in self.ids("AWS::DynamoDB::Table")}
        self.buckets = {it.removeprefix(self.stack + "-").split("-")[0]: it for it in self.ids("AWS::S3::Bucket")}
        if not set(PUT_BACK + STAYS) <= set(self.tables) or not {"ads", "references", "segments"} <= set(self.buckets):
            stop(f"{self.stack} lacks tables or buckets", f"infra/deploy {name}")

    def look(self):
        try:
            found = self.formation.describe_stacks(StackName=self.stack)["Stacks"][0]
            pages = self.formation.get_paginator("list_stack_resources").paginate(StackName=self.stack)
            of_type = {}
            for it in (it for page in pages for it in page["StackResourceSummaries"]):
                of_type.setdefault(it["ResourceType"], []).append(it["PhysicalResourceId"])
        except botocore.exceptions.ClientError as error:
            stop(f"the stack {self.stack} cannot be looked at: {error.response['Error']['Code']}", f"infra/deploy {self.name}, if it does not stand")
        except botocore.exceptions.BotoCoreError as error:
            stop(f"AWS cannot be asked about {self.stack}: {type(error).__name__}", "homeward doctor --online says what lacks")
        return of_type, {it["ParameterKey"]: it.get("ParameterValue", "") for it in found.get("Parameters", [])}

    def ids(self, type_):
        return self.of_type.get(type_, [])

    def function(self, program):
        return f"{self.stack}-{program}"

    # ------------------------------------------------------------ stopping and starting
    def halt(self):
        """Nothing wakes a program any more, and the API answers 503. Uploads wait in their queues."""
        for rule in self.ids("AWS::Events::Rule"):
            self.events.disable_rule(Name=rule)
        for mapping in self.ids("AWS::Lambda::EventSourceMapping"):
            self.switch(mapping, False)
        for it in self.ids("AWS::Lambda::Function"):
            if it != self.function("upkeep"):
                self.functions.put_function_concurrency(FunctionName=it, ReservedConcurrentExecutions=0)

    def switch(self, mapping, is_on):
        """Event source mappings keep how far they have read."""
        wanted = ("Enabled", "Enabling") if is_on else ("Disabled", "Disabling")
        for _ in range(60):
            if self.functions.get_event_source_mapping(UUID=mapping)["State"] in wanted:
                return
            try:
                self.functions.update_event_source_mapping(UUID=mapping, Enabled=is_on)
                return
            except self.functions.exceptions.ResourceInUseException:
                time.sleep(2)  # it is being changed
        stop(f"the event source mapping {mapping} does not change", "the same command again")

    def let_review_answer(self):
        self.functions.delete_function_concurrency(FunctionName=self.function("review"))

    def go_on(self):
        for it in self.ids("AWS::Lambda::Function"):
            reserved = self.parameters.get("ReserveConcurrency") == "true" and it == self.function("ingest")
            if reserved:
                self.functions.put_function_concurrency(FunctionName=it, ReservedConcurrentExecutions=int(self.parameters["IngestConcurrency"]))
            else:
                self.functions.delete_function_concurrency(FunctionName=it)
        for mapping in self.ids("AWS::Lambda::EventSourceMapping"):
            self.switch(mapping, True)
        for rule in self.ids("AWS::Events::Rule"):
            self.events.enable_rule(Name=rule)

    # ------------------------------------------------------------ asking programs
    def invoke(self, program, event):
        made = self.functions_once.invoke(FunctionName=self.function(program), Payload=json.dumps(event).encode())
        answer = json.loads(made["Payload"].read() or b"null")
        return "FunctionError" not in made, answer

    def upkeep(self, task, again):
        is_done, answer = self.invoke("upkeep", {"task": task})
        if not is_done:
            cause = (answer or {}).get("errorMessage", "it failed")
            stop(f"upkeep's task {task}: {cause}", again(cause))
        say(f"  {task}: " + (", ".join(f"{name} {count}" for name, count in answer.items() if count) or "nothing was to be done"))
        return answer

    def mend(self, wants_rebuild, command):
        """Brings the searchable sets into agreement with the tables."""
        def next_step(cause):
            if "rebuild" in cause:
                return f"{command} --rebuild: every photo and list is taken in again, which costs what they cost when they came, but the upload"
            return f"{command}, again; should it stay so, the log of {self.function('upkeep')}"
        if wants_rebuild:
            self.upkeep("rebuild", next_step)
        self.upkeep("repair", next_step)
        left = self.upkeep("repair", next_step).get("mended", 0)
        if left:
            stop("the sets change while they are mended: something still writes", f"{command}, again")

    def as_unit(self, unit, method, path, body=None):
        """A request to the API in the name of a unit, by a token that lives as long as it takes."""
        token = "hw_" + base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")
        key = {"pk": {"S": "token#" + hashlib.sha256(token.encode()).hexdigest()}, "sk": {"S": "token"}}
        item = key | {"tenant": {"S": unit}, "role": {"S": "unit"}}
        self.dynamodb.put_item(TableName=self.tables["tenants"], Item=item)
        http = {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "infra/restore"}
        event = {"version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "", "isBase64Encoded": False,
            "headers": {"authorization": f"Bearer {token}", "content-type": "application/json"}, "body": json.dumps(body) if body else None,
            "requestContext": {"accountId": "0", "apiId": "restore", "domainName": "restore", "domainPrefix": "restore", "http": http,
                "requestId": "restore", "routeKey": "$default", "stage": "$default", "time": "", "timeEpoch": 0}}
        try:
            is_done, answer = self.invoke("review", event)
        finally:
            self.dynamodb.delete_item(TableName=self.tables["tenants"], Key=key)
        return answer.get("statusCode", 500) if is_done else 500


# ---------------------------------------------------------------- tables
def scanned(client, table, part=0, parts=1):
    pages = client.get_paginator("scan").paginate(TableName=table, Segment=part, TotalSegments=parts, ConsistentRead=True)
    for page in pages:
        yield from page["Items"]


def key_of(item):
    return {"pk": item["pk"], "sk": item["sk"]}


def name_of(item):
    return item["pk"]["S"], item["sk"]["S"]


def batches(items, size):
    batch = []
    for it in items:
        batch.append(it)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def items_of(client, table, items):
    """What a table has under the keys of these items."""
    wanted, found = {table: {"Keys": [key_of(it) for it in items], "ConsistentRead": True}}, {}
    while wanted:
        answer = client.batch_get_item(RequestItems=wanted)
        found |= {name_of(it): it for it in answer["Responses"].get(table, [])}
        wanted = answer.get("UnprocessedKeys")
    return found


def write(client, table, requests):
    for batch in batches(requests, WRITES_AT_ONCE):
        wanted = {table: batch}
        while wanted:
            wanted = client.batch_write_item(RequestItems=wanted).get("UnprocessedItems")


def make_equal(kept, live, stays=lambda before, now: False):
    """Writes what a live table lacks or has otherwise, and deletes what it has more, item by item; says how many.
    `stays(before, now)` says which of its items are left as they are. Each is (client, table)."""
    def bring(part):
        count = 0
        for batch in batches(scanned(*kept, part, THREADS), READS_AT_ONCE):
            now = items_of(*live, batch)
            wanted = [it for it in batch if now.get(name_of(it)) != it and not stays(it, now.get(name_of(it)))]
            write(*live, [{"PutRequest": {"Item": it}} for it in wanted])
            count += len(wanted)
        return count

    def take(part):
        count = 0
        for batch in batches(scanned(*live, part, THREADS), READS_AT_ONCE):
            before = items_of(*kept, batch)
            more = [it for it in batch if name_of(it) not in before and not stays(None, it)]
            write(*live, [{"DeleteRequest": {"Key": key_of(it)}} for it in more])
            count += len(more)
        return count

    with concurrent.futures.ThreadPoolExecutor(THREADS) as threads:
        brought, taken = (sum(threads.map(work, range(THREADS))) for work in (bring, take))
    return brought, taken


# ---------------------------------------------------------------- restore
def status_of(item):
    return item.get("status", {}).get("S") if item["sk"]["S"].startswith("reference#") else None


def stays_in_references(before, now):
    """What has ended stays ended, and what was asked to be erased stays asked: neither may come back by itself."""
    if before is None:
        return status_of(now) in ENDED or now["sk"]["S"].startswith(("erasure#", "erasing#"))
    return bool(now) and status_of(now) in ENDED and status_of(before) in ENDED


def stays_in_ads(before, now):
    """How far the daily round over the buckets has come: it is to begin again."""
    return before is not None and name_of(before) == ("walk", "objects")


def stays_in_leads(before, now):
    """Alerts that were told, and their numbers: a feed goes on where its readers are."""
    return (now or before)["sk"]["S"] == "counter" and bool(now) or (before is None and now["sk"]["S"].startswith("alert#"))


def stays_in_tenants(before, now):
    """Rights: what was taken is not given back, what was given stays."""
    return before is None or bool(now) or before["sk"]["S"] in ("token", "session", "sign-in") or before["sk"]["S"].startswith("token#")


RULES = {"references": stays_in_references, "ads": stays_in_ads, "leads": stays_in_leads, "tenants": stays_in_tenants,
    "audit": lambda before, now: before is None or bool(now)}


def ended_since(stage, kept):
    """References that ended, and those that were to be erased, since a moment: (unit, id) each."""
    live = {name_of(it): it for it in scanned(stage.dynamodb, stage.tables["references"])}
    ended, erased = [], []
    for before in scanned(stage.dynamodb, kept):
        now = live.get(name_of(before))
        if status_of(before) and status_of(before) not in ENDED and now and status_of(now) in ENDED:
            ended.append((before["pk"]["S"], before["sk"]["S"].removeprefix("reference#")))
    before = {name_of(it): it for it in scanned(stage.dynamodb, kept) if it["sk"]["S"].startswith("erasure#")}
    for name, now in live.items():
        if name[1].startswith("erasure#") and before.get(name, {}).get("state") != now.get("state"):
            erased += [(name[0], it["S"]) for it in now.get("reference_ids", {}).get("L", [])]
    return sorted(ended), sorted(set(erased))


class Restore:
    def __init__(self, options):
        self.options, self.stage = options, Stage(options.stage, options.region)
        self.moment = options.to and moment_of(options.to)
        self.command = f"infra/restore {options.stage}" + (f" --to {options.to}" if options.to else "") + (" --all" if options.all else "")
        self.tables = [] if not self.moment else [*PUT_BACK, *(STAYS if options.all else [])]

    def side(self, name):
        return f"{self.stage.tables[name]}-at-{self.moment:%Y%m%dt%H%M%Sz}"

    def look(self):
        for name in self.tables:
            try:
                found = self.stage.dynamodb.describe_continuous_backups(TableName=self.stage.tables[name])["ContinuousBackupsDescription"]
            except botocore.exceptions.ClientError as error:
                stop(f"{self.stage.tables[name]} cannot be asked: {error.response['Error']['Code']}", "if it is gone: aws dynamodb list-backups --backup-type SYSTEM "
                    "names the backup that DynamoDB made of it; restore that under the table's own name, turn on its stream, then infra/deploy")
            known = found.get("PointInTimeRecoveryDescription", {})
            if known.get("PointInTimeRecoveryStatus") != "ENABLED":
                stop(f"{self.stage.tables[name]} keeps no earlier times", "a backup of another kind, put into the table; then infra/restore without --to")
            first, last = known.get("EarliestRestorableDateTime"), known.get("LatestRestorableDateTime")
            if first and not (first <= self.moment <= max(last, first)):
                stop(f"{self.stage.tables[name]} can be put back to times from {first:%Y-%m-%dT%H:%M:%SZ} to {last:%Y-%m-%dT%H:%M:%SZ}", "another --to")

    def plan(self):
        say(f"plan for {self.stage.stack}:")
        say(f"  1. stop {len(self.stage.ids('AWS::Lambda::EventSourceMapping'))} event sources and {len(self.stage.ids('AWS::Events::Rule'))} timers; the API answers 503, uploads wait")
        for name in self.tables:
            about = self.stage.dynamodb.describe_table(TableName=self.stage.tables[name])["Table"]
            size = about.get("TableSizeBytes", 0) / 1e9
            say(f"  2. {name}: about {about.get('ItemCount', 0)} items, {size:.2f} GB; restored as {self.side(name)} (about ${0.15 * size:.2f}), then put back item by item")
        say(f"  3. stay as they are: {', '.join(it for it in PUT_BACK + STAYS if it not in self.tables)}")
        say(f"  4. upkeep's tasks {'rebuild, ' if self.options.rebuild else ''}repair; what ended since is ended again; start; task objects")

    def run(self):
        self.look()
        self.plan()
        if self.options.dry_run:
            return
        confirm(self.options, self.stage.name)
        say("stopping")
        self.stage.halt()
        began = time.monotonic()
        for name in self.tables:
            self.begin(name)
        for name in self.tables:
            self.wait_for(name)
        time.sleep(max(0, self.options.settle - (time.monotonic() - began)))
        ended, erased = ended_since(self.stage, self.side("references")) if self.tables else ([], [])
        for name in self.tables:
            client = self.stage.dynamodb
            rule = RULES.get(name, lambda before, now: False)
            if name == "tenants" and not next(scanned(client, self.stage.tables[name]), None):
                rule = lambda before, now: False  # lost whole: then no right was taken since
            brought, taken = make_equal((client, self.side(name)), (client, self.stage.tables[name]), rule)
            say(f"  {name}: {brought} items brought back, {taken} taken away")
        self.end(ended, erased)

    def begin(self, name):
        try:
            self.stage.dynamodb.restore_table_to_point_in_time(
                SourceTableName=self.stage.tables[name], TargetTableName=self.side(name), RestoreDateTime=self.moment, BillingModeOverride="PAY_PER_REQUEST")
        except self.stage.dynamodb.exceptions.TableAlreadyExistsException:
            pass  # by an earlier run
        except botocore.exceptions.ClientError as error:
            stop(f"{self.stage.tables[name]} cannot be restored: {error}", f"mend that; then {self.command}, again. Until then the stage stays stopped")

    def wait_for(self, name):
        say(f"  waiting for {self.side(name)}")
        while self.stage.dynamodb.describe_table(TableName=self.side(name))["Table"]["TableStatus"] != "ACTIVE":
            time.sleep(15)

    def end(self, ended, erased):
        say("bringing the searchable sets into agreement")
        self.stage.mend(self.options.rebuild, self.command)
        self.stage.let_review_answer()
        failed = [it for it in ended if self.stage.as_unit(it[0], "DELETE", f"/v1/references/{it[1]}") not in (200, 202, 204, 404)]
        failed += [it for it in erased if self.stage.as_unit(it[0], "POST", "/v1/erasures", {"reference_id": it[1]}) not in (200, 201, 202)]
        say(f"  ended again: {len(ended)} references; erased again: {len(erased)}")
        if failed:
            stop(f"{len(failed)} ends could not be repeated: {failed[:5]}", f"the log of {self.stage.function('review')}; then {self.command}, again. The stage stays stopped")
        say("starting")
        self.stage.go_on()
        self.stage.upkeep("objects", lambda cause: "the timer does it within the hour")
        for name in self.tables:
            self.stage.dynamodb.delete_table(TableName=self.side(name))
        say(f"done. What came after the moment is driven again by the round over both buckets\nnext: homeward doctor --after {self.stage.stack}")


# ---------------------------------------------------------------- move
class Move:
    def __init__(self, options):
        self.options = options
        self.old, self.new = Stage(options.stage, options.from_region), Stage(options.new, options.to_region)
        if (self.old.name, self.old.dynamodb.meta.region_name) == (self.new.name, self.new.dynamodb.meta.region_name):
            stop("both are the same stage", "infra/move FROM TO, or --to-region")
        self.command = f"infra/move {options.stage} {options.new}"
        self.noted = pathlib.Path(f"target/move-{self.old.stack}-{self.new.stack}.json")

    def look(self):
        if self.noted.exists():
            return  # an earlier run has begun
        for name in PUT_BACK + ("leads",):
            if next(scanned(self.new.dynamodb, self.new.tables[name]), None):
                stop(f"{self.new.stack} is in use: its table {name} holds something", f"a stage that is new: infra/deploy, then infra/move {self.old.name} NEW")

    def run(self):
        self.look()
        say(f"plan: stop both; copy three buckets and nine tables of {self.old.stack} into {self.new.stack}; mend and start that; {self.old.stack} stays stopped")
        if self.options.dry_run:
            return
        confirm(self.options, self.new.name)
        self.old.upkeep("references", lambda cause: f"{self.command}, again")  # photos of what ended go before
        self.old.halt()
        self.new.halt()
        time.sleep(self.options.settle)
        self.silently(self.copy_buckets)
        for name in PUT_BACK + STAYS:
            brought, taken = make_equal((self.old.dynamodb, self.old.tables[name]), (self.new.dynamodb, self.new.tables[name]))
            say(f"  {name}: {brought} items written, {taken} taken away")
        self.new.mend(self.options.rebuild, self.command)
        self.new.go_on()
        self.new.upkeep("objects", lambda cause: "the timer does it within the hour")
        self.noted.unlink()
        say(f"done. {self.old.stack} stays stopped and whole\nnext: homeward doctor --after {self.new.stack}; give uploaders and units the new address; "
            f"tear {self.old.stack} down when it is not needed any more")

    def silently(self, copy):
        """Copies without a word to the queues: the tables know already what became of each photo."""
        told = {kind: self.new.s3.get_bucket_notification_configuration(Bucket=self.new.buckets[kind]) for kind in ("ads", "references")}
        if not self.noted.exists():
            self.noted.parent.mkdir(exist_ok=True)
            self.noted.write_text(json.dumps({kind: {name: it for name, it in found.items() if name != "ResponseMetadata"} for kind, found in told.items()}))
        told = json.loads(self.noted.read_text())
        for kind in told:
            self.new.s3.put_bucket_notification_configuration(Bucket=self.new.buckets[kind], NotificationConfiguration={})
        time.sleep(self.options.settle and 60)  # S3 may tell for a while yet
        copy()
        for kind, found in told.items():
            self.new.s3.put_bucket_notification_configuration(Bucket=self.new.buckets[kind], NotificationConfiguration=found)

    def copy_buckets(self):
        for kind in ("ads", "references", "segments"):
            there = {it["Key"]: it["Size"] for it in self.listed(self.new, kind)}
            wanted = [it["Key"] for it in self.listed(self.old, kind) if there.get(it["Key"]) != it["Size"] or it["Key"].endswith("manifest")]
            with concurrent.futures.ThreadPoolExecutor(THREADS) as threads:
                list(threads.map(lambda key: self.copy(kind, key), wanted))
            say(f"  {kind}: {len(wanted)} objects copied")

    def listed(self, stage, kind):
        pages = stage.s3.get_paginator("list_objects_v2").paginate(Bucket=stage.buckets[kind])
        return (it for page in pages for it in page.get("Contents", []))

    def copy(self, kind, key):
        source = {"Bucket": self.old.buckets[kind], "Key": key}
        head = self.old.s3.head_object(**source)
        metadata = dict(head.get("Metadata", {}))
        if kind != "segments":
            metadata.setdefault("homeward-uploaded-at", head["LastModified"].astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"))
        self.new.s3.copy_object(Bucket=self.new.buckets[kind], Key=key, CopySource=source, MetadataDirective="REPLACE",
            Metadata=metadata, ContentType=head.get("ContentType", "application/octet-stream"))


def moment_of(text):
    try:
        moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        stop(f"{text} is no moment", "--to 2026-11-29T10:00:00Z")
    return moment.astimezone(datetime.timezone.utc)


def confirm(options, name):
    if not options.yes and input(f"Type the stage's name to go on ({name}): ").strip() != name:
        stop("nothing was changed", "type the name, or give --yes")


def main():
    start = "infra/restore prod --to 2026-11-29T10:00:00Z --dry-run\n  infra/restore prod --to 2026-11-29T10:00:00Z\n  infra/restore prod --rebuild"
    if sys.argv[1] == "move":
        start = "infra/move prod next --dry-run\n  infra/move prod next\n  infra/move prod prod --to-region eu-west-1"
    about = {"restore": "Puts a stage's tables back to an earlier time and its searchable sets into agreement.", "move": "Moves what a stage holds into a new one."}
    parser = argparse.ArgumentParser(prog=f"infra/{sys.argv[1]}", description=about[sys.argv[1]], epilog=f"examples:\n  {start}",
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", metavar="STAGE" if sys.argv[1] == "restore" else "FROM", help="as infra/deploy names it")
    if sys.argv[1] == "restore":
        parser.add_argument("--to", metavar="TIME", help="the moment, e.g. 2026-11-29T10:00:00Z; without it no table is put back")
        parser.add_argument("--all", action="store_true", help="put back leads, deliveries, tenants and audit too: alerts since are then told again")
        parser.add_argument("--region", help="the stage's; otherwise AWS_REGION")
    else:
        parser.add_argument("new", metavar="TO", help="a stage that stands and is empty")
        parser.add_argument("--from-region", help="where FROM is; otherwise AWS_REGION")
        parser.add_argument("--to-region", help="where TO is; otherwise AWS_REGION")
    parser.add_argument("--rebuild", action="store_true", help="make the set of ads again from photos and lists")
    parser.add_argument("--dry-run", action="store_true", help="print the plan and change nothing")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--settle", type=int, default=LONGEST_RUN_S, metavar="SECONDS", help="how long what runs is waited for (%(default)s, a function's longest run)")
    options = parser.parse_args(sys.argv[2:])
    (Restore if sys.argv[1] == "restore" else Move)(options).run()


main()
