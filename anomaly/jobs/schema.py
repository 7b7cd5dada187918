"""The tables in which jobs are kept."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL,
    submission BLOB NOT NULL,
    low_priority INTEGER NOT NULL,
    queued_at REAL NOT NULL,
    expires_at REAL NOT NULL,
    started_at REAL,
    ended_at REAL,
    output BLOB,
    error TEXT,
    tries INTEGER NOT NULL DEFAULT 0,
    webhook TEXT,
    webhook_at REAL,
    webhook_tries INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX IF NOT EXISTS waiting ON jobs (state, low_priority, number);
CREATE INDEX IF NOT EXISTS due ON jobs (webhook_at) WHERE webhook_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS chunks (
    number INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT NOT NULL, body BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS chunks_of ON chunks (job, number);
"""
