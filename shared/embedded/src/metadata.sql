CREATE TABLE IF NOT EXISTS buckets (
    name TEXT PRIMARY KEY,
    created_ms INTEGER NOT NULL
) STRICT;

-- Which queue hears of new objects whose key starts with the prefix.
CREATE TABLE IF NOT EXISTS notifications (
    bucket TEXT NOT NULL REFERENCES buckets (name),
    prefix BLOB NOT NULL,
    queue TEXT NOT NULL,
    PRIMARY KEY (bucket, prefix, queue)
) STRICT;

-- Which queue hears of removed ones.
CREATE TABLE IF NOT EXISTS removal_notifications (
    bucket TEXT NOT NULL REFERENCES buckets (name),
    prefix BLOB NOT NULL,
    queue TEXT NOT NULL,
    PRIMARY KEY (bucket, prefix, queue)
) STRICT;

-- Every version of every object. A delete marker has no content (sha256 is null).
-- Keys are blobs because S3 orders and cuts them as bytes.
CREATE TABLE IF NOT EXISTS versions (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    bucket TEXT NOT NULL REFERENCES buckets (name),
    key BLOB NOT NULL,
    version_id TEXT NOT NULL,
    latest INTEGER NOT NULL,
    sha256 BLOB,
    size INTEGER NOT NULL,
    etag TEXT NOT NULL,
    headers TEXT NOT NULL,
    modified_ms INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS versions_latest ON versions (bucket, key) WHERE latest = 1;
CREATE UNIQUE INDEX IF NOT EXISTS versions_key ON versions (bucket, key, seq);
CREATE UNIQUE INDEX IF NOT EXISTS versions_id ON versions (version_id);
CREATE INDEX IF NOT EXISTS versions_content ON versions (sha256) WHERE sha256 IS NOT NULL;

CREATE TABLE IF NOT EXISTS uploads (
    upload_id TEXT PRIMARY KEY,
    bucket TEXT NOT NULL REFERENCES buckets (name),
    key BLOB NOT NULL,
    headers TEXT NOT NULL,
    created_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS parts (
    upload_id TEXT NOT NULL REFERENCES uploads (upload_id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    size INTEGER NOT NULL,
    md5 BLOB NOT NULL,
    modified_ms INTEGER NOT NULL,
    PRIMARY KEY (upload_id, number)
) STRICT;
CREATE INDEX IF NOT EXISTS parts_content ON parts (sha256);

-- Queues. A message that is being worked on has a receipt; a dead letter has dead_ms.
CREATE TABLE IF NOT EXISTS messages (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    queue TEXT NOT NULL,
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    sent_ms INTEGER NOT NULL,
    visible_ms INTEGER NOT NULL,
    receives INTEGER NOT NULL DEFAULT 0,
    cut_off INTEGER NOT NULL DEFAULT 0,
    receipt TEXT,
    reason TEXT,
    dead_ms INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS messages_waiting ON messages (queue, visible_ms, seq) WHERE dead_ms IS NULL;
CREATE INDEX IF NOT EXISTS messages_dead ON messages (queue, seq) WHERE dead_ms IS NOT NULL;
CREATE UNIQUE INDEX IF NOT EXISTS messages_receipt ON messages (receipt) WHERE receipt IS NOT NULL;
CREATE UNIQUE INDEX IF NOT EXISTS messages_id ON messages (id);

-- How far each reader of a table's stream has come, and how often its next record has failed.
CREATE TABLE IF NOT EXISTS checkpoints (
    consumer TEXT NOT NULL,
    table_name TEXT NOT NULL,
    sequence TEXT NOT NULL,
    failing TEXT,
    failures INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (consumer, table_name)
) STRICT;
