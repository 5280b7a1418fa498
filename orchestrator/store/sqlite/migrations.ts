/**
 * The database's shape as a history: each entry changes the one before it, is never edited once released, and runs in
 * one transaction with the bump of `user_version` to its place in the list. The SQLite adapter applies what is missing;
 * a database with more history than this list was written by a newer program.
 */
import { laterMigrations, type Migration } from './later-migrations.ts'

/** Marks a file as ours ("chsm"), so that another program's database is never mistaken for it. */
export const applicationId = 0x6368736d

export const migrations: readonly Migration[] = [
  {
    version: 1,
    sql: `
      CREATE TABLE hub (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        epoch INTEGER NOT NULL
      ) STRICT;
      INSERT INTO hub VALUES (1, 0);

      CREATE TABLE api_key (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        role TEXT NOT NULL CHECK (role IN ('admin', 'client', 'scout')),
        name TEXT NOT NULL,
        digest TEXT NOT NULL UNIQUE,
        created_ms INTEGER NOT NULL,
        revoked_ms INTEGER
      ) STRICT;
    `,
  },
  {
    version: 2,
    sql: `
      ALTER TABLE api_key ADD COLUMN weight REAL NOT NULL DEFAULT 1 CHECK (weight > 0);

      CREATE TABLE intent (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        tenant TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('running', 'done', 'failed', 'cancelled')),
        priority INTEGER NOT NULL,
        created_ms INTEGER NOT NULL,
        deadline_ms INTEGER NOT NULL,
        finished_ms INTEGER,
        metadata TEXT NOT NULL,
        fault TEXT,
        result_node TEXT NOT NULL,
        CHECK ((state = 'running') = (finished_ms IS NULL))
      ) STRICT;
      CREATE INDEX intent_by_state ON intent (state, seq);
      CREATE INDEX intent_by_tenant ON intent (tenant, seq);
      CREATE INDEX intent_by_tenant_and_state ON intent (tenant, state, seq);
      CREATE INDEX intent_finished ON intent (finished_ms) WHERE finished_ms IS NOT NULL;

      CREATE TABLE task (
        task INTEGER PRIMARY KEY,
        intent_seq INTEGER NOT NULL REFERENCES intent ON DELETE CASCADE,
        place INTEGER NOT NULL,
        node TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('chat', 'embed')),
        model TEXT NOT NULL,
        needs TEXT NOT NULL,
        state TEXT NOT NULL
          CHECK (state IN ('blocked', 'ready', 'leased', 'done', 'failed', 'cancelled', 'skipped')),
        attempt INTEGER NOT NULL,
        charged INTEGER NOT NULL,
        returned INTEGER NOT NULL,
        nonce BLOB,
        scout TEXT,
        instance TEXT,
        served TEXT,
        prompt_tokens INTEGER NOT NULL,
        completion_tokens INTEGER NOT NULL,
        fault TEXT
      ) STRICT;
      CREATE UNIQUE INDEX task_by_intent ON task (intent_seq, place);

      CREATE TABLE request (
        task INTEGER PRIMARY KEY REFERENCES task ON DELETE CASCADE,
        body BLOB NOT NULL
      ) STRICT;

      CREATE TABLE result (
        task INTEGER PRIMARY KEY REFERENCES task ON DELETE CASCADE,
        body BLOB NOT NULL
      ) STRICT;

      CREATE TABLE event (
        intent_seq INTEGER NOT NULL REFERENCES intent ON DELETE CASCADE,
        seq INTEGER NOT NULL,
        type TEXT NOT NULL,
        data TEXT NOT NULL,
        at_ms INTEGER NOT NULL,
        PRIMARY KEY (intent_seq, seq)
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE usage (
        task INTEGER PRIMARY KEY,
        tenant TEXT NOT NULL,
        scout TEXT NOT NULL,
        provider TEXT NOT NULL,
        model TEXT NOT NULL,
        prompt_tokens INTEGER NOT NULL,
        completion_tokens INTEGER NOT NULL,
        at_ms INTEGER NOT NULL
      ) STRICT;

      CREATE TABLE usage_sum (
        tenant TEXT NOT NULL,
        model TEXT NOT NULL,
        tasks INTEGER NOT NULL,
        prompt_tokens INTEGER NOT NULL,
        completion_tokens INTEGER NOT NULL,
        PRIMARY KEY (tenant, model)
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE idempotency (
        tenant TEXT NOT NULL,
        route TEXT NOT NULL,
        key TEXT NOT NULL,
        body_hash TEXT NOT NULL,
        created_ms INTEGER NOT NULL,
        status INTEGER NOT NULL,
        answer BLOB,
        PRIMARY KEY (tenant, route, key)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX idempotency_age ON idempotency (created_ms);
    `,
  },
  {
    version: 3,
    sql: `
      ALTER TABLE intent ADD COLUMN budget_tokens INTEGER;
      ALTER TABLE task ADD COLUMN stage INTEGER;
      ALTER TABLE task ADD COLUMN waits TEXT;
      ALTER TABLE task ADD COLUMN terms TEXT;
    `,
  },
  {
    version: 4,
    // Sums that older programs let grow to the edge of 64 bits are cut to what every reader of JSON can hold.
    sql: `
      UPDATE usage_sum SET
        tasks = max(0, min(tasks, 9007199254740991)),
        prompt_tokens = max(0, min(prompt_tokens, 9007199254740991)),
        completion_tokens = max(0, min(completion_tokens, 9007199254740991));
      ALTER TABLE hub ADD COLUMN commits INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE hub ADD COLUMN sealed INTEGER NOT NULL DEFAULT 0;
      CREATE TABLE suspect (
        intent_seq INTEGER PRIMARY KEY REFERENCES intent ON DELETE CASCADE,
        deaths INTEGER NOT NULL
      ) STRICT;
    `,
  },
  {
    version: 5,
    sql: `
      CREATE TABLE response (
        id TEXT NOT NULL PRIMARY KEY,
        tenant TEXT NOT NULL,
        created_ms INTEGER NOT NULL,
        request BLOB NOT NULL,
        answer BLOB,
        intent_seq INTEGER REFERENCES intent ON DELETE CASCADE
      ) STRICT;
      CREATE INDEX response_by_intent ON response (intent_seq) WHERE intent_seq IS NOT NULL;
      CREATE INDEX response_age ON response (created_ms) WHERE intent_seq IS NULL;
    `,
  },
  {
    version: 6,
    // A key of an older program is its own tenant, so that everything stored under its id stays where it is.
    sql: `
      CREATE TABLE account (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        address TEXT UNIQUE,
        name TEXT NOT NULL,
        role TEXT NOT NULL CHECK (role IN ('admin', 'member')),
        state TEXT NOT NULL CHECK (state IN ('waiting', 'active', 'suspended')),
        limits TEXT,
        created_ms INTEGER NOT NULL
      ) STRICT;
      CREATE INDEX account_by_state ON account (state, seq);

      ALTER TABLE api_key ADD COLUMN tenant TEXT NOT NULL DEFAULT '';
      UPDATE api_key SET tenant = id;
      ALTER TABLE api_key ADD COLUMN account TEXT REFERENCES account (id);
      ALTER TABLE api_key ADD COLUMN generation INTEGER NOT NULL DEFAULT 1;
      ALTER TABLE api_key ADD COLUMN scopes TEXT;
      ALTER TABLE api_key ADD COLUMN limits TEXT;
      ALTER TABLE api_key ADD COLUMN expires_ms INTEGER;
      ALTER TABLE api_key ADD COLUMN last4 TEXT;
      CREATE INDEX api_key_by_tenant ON api_key (tenant, seq);
      CREATE INDEX api_key_by_account ON api_key (account, seq) WHERE account IS NOT NULL;
      CREATE INDEX api_key_end ON api_key (expires_ms) WHERE expires_ms IS NOT NULL;

      CREATE TABLE session (
        seq INTEGER PRIMARY KEY,
        digest TEXT NOT NULL UNIQUE,
        account TEXT REFERENCES account (id),
        key TEXT,
        generation INTEGER,
        created_ms INTEGER NOT NULL,
        seen_ms INTEGER NOT NULL,
        expires_ms INTEGER NOT NULL,
        CHECK (account IS NOT NULL OR key IS NOT NULL)
      ) STRICT;
      CREATE INDEX session_by_account ON session (account, seq) WHERE account IS NOT NULL;
      CREATE INDEX session_by_key ON session (key, seq) WHERE key IS NOT NULL;
      CREATE INDEX session_end ON session (expires_ms);

      CREATE TABLE login_link (
        digest TEXT NOT NULL PRIMARY KEY,
        account TEXT NOT NULL REFERENCES account (id),
        created_ms INTEGER NOT NULL,
        expires_ms INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX login_link_end ON login_link (expires_ms);

      CREATE TABLE audit (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        at_ms INTEGER NOT NULL,
        actor TEXT NOT NULL,
        address TEXT NOT NULL,
        action TEXT NOT NULL,
        subject TEXT NOT NULL,
        before TEXT,
        after TEXT
      ) STRICT;
      CREATE INDEX audit_by_subject ON audit (subject, seq);
      CREATE TRIGGER audit_is_append_only BEFORE UPDATE ON audit
        BEGIN SELECT raise(ABORT, 'an audit row is never changed'); END;

      CREATE TABLE setting (
        name TEXT NOT NULL PRIMARY KEY,
        value TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE usage_hour (
        hour INTEGER NOT NULL,
        tenant TEXT NOT NULL,
        key TEXT NOT NULL,
        model TEXT NOT NULL,
        tasks INTEGER NOT NULL,
        failed INTEGER NOT NULL,
        prompt_tokens INTEGER NOT NULL,
        completion_tokens INTEGER NOT NULL,
        micro_dollars INTEGER NOT NULL,
        estimated INTEGER NOT NULL,
        PRIMARY KEY (tenant, hour, key, model)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX usage_hour_age ON usage_hour (hour);

      CREATE TABLE usage_day (
        day INTEGER NOT NULL,
        tenant TEXT NOT NULL,
        key TEXT NOT NULL,
        model TEXT NOT NULL,
        tasks INTEGER NOT NULL,
        failed INTEGER NOT NULL,
        prompt_tokens INTEGER NOT NULL,
        completion_tokens INTEGER NOT NULL,
        micro_dollars INTEGER NOT NULL,
        estimated INTEGER NOT NULL,
        PRIMARY KEY (tenant, day, key, model)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX usage_day_age ON usage_day (day);
    `,
  },
  {
    version: 7,
    // Rows of older programs were made by the key that is their tenant.
    sql: `
      ALTER TABLE intent ADD COLUMN key TEXT;
      ALTER TABLE usage ADD COLUMN key TEXT NOT NULL DEFAULT '';
      UPDATE usage SET key = tenant;
      ALTER TABLE usage ADD COLUMN micro_dollars INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE usage ADD COLUMN estimated INTEGER NOT NULL DEFAULT 0;
    `,
  },
  {
    version: 8,
    sql: `
      CREATE TABLE history_quarter (
        slot INTEGER PRIMARY KEY,
        sample TEXT NOT NULL
      ) STRICT;
      CREATE TABLE served_day (
        scout TEXT NOT NULL,
        day INTEGER NOT NULL,
        done INTEGER NOT NULL,
        failed INTEGER NOT NULL,
        tokens INTEGER NOT NULL,
        busy_ms INTEGER NOT NULL,
        PRIMARY KEY (scout, day)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX served_day_age ON served_day (day);
    `,
  },
  {
    version: 9,
    // Written before the rows of their tasks, to which a key would have to refer.
    sql: `
      CREATE TABLE request_ahead (
        task INTEGER PRIMARY KEY,
        body BLOB NOT NULL
      ) STRICT;
      CREATE TRIGGER request_ahead_goes AFTER DELETE ON task
        BEGIN DELETE FROM request_ahead WHERE task = OLD.task; END;
    `,
  },
  {
    version: 10,
    sql: `
      CREATE TABLE trust (
        scout TEXT NOT NULL,
        model TEXT NOT NULL,
        booked_ms INTEGER NOT NULL,
        record TEXT NOT NULL,
        PRIMARY KEY (scout, model)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX trust_age ON trust (booked_ms);
      CREATE TABLE trust_memory (
        name TEXT NOT NULL PRIMARY KEY,
        booked_ms INTEGER NOT NULL,
        body TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
    `,
  },
  {
    version: 11,
    // A batch says what the hub has signed; nothing of it may become something else.
    sql: `
      CREATE TABLE ledger_batch (
        seq INTEGER PRIMARY KEY,
        at_ms INTEGER NOT NULL,
        head BLOB NOT NULL,
        signature BLOB NOT NULL,
        leaves BLOB NOT NULL
      ) STRICT;
      CREATE TRIGGER ledger_batch_is_append_only BEFORE UPDATE ON ledger_batch
        BEGIN SELECT raise(ABORT, 'a batch of the ledger is never changed'); END;
      CREATE TABLE ledger_receipt (
        task INTEGER PRIMARY KEY,
        place INTEGER NOT NULL
      ) STRICT;
      CREATE TABLE ledger_earned (
        task INTEGER PRIMARY KEY,
        receipt BLOB NOT NULL
      ) STRICT;
      CREATE TABLE ledger_asked (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        event TEXT NOT NULL
      ) STRICT;
      CREATE TABLE ledger_rules (
        hash BLOB NOT NULL PRIMARY KEY,
        text TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;

      ALTER TABLE hub ADD COLUMN ledger_projected INTEGER NOT NULL DEFAULT 0;
      CREATE TABLE ledger_balance (
        account TEXT NOT NULL PRIMARY KEY,
        points INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE ledger_earning (
        scout TEXT NOT NULL,
        day INTEGER NOT NULL,
        model TEXT NOT NULL,
        tasks INTEGER NOT NULL,
        points INTEGER NOT NULL,
        unpaid INTEGER NOT NULL,
        own INTEGER NOT NULL,
        directed INTEGER NOT NULL,
        unlisted INTEGER NOT NULL,
        loop INTEGER NOT NULL,
        repeat INTEGER NOT NULL,
        convicted INTEGER NOT NULL,
        PRIMARY KEY (scout, day, model)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX ledger_earning_by_day ON ledger_earning (day);
      CREATE TABLE ledger_season (
        season TEXT NOT NULL PRIMARY KEY,
        state TEXT NOT NULL CHECK (state IN ('open', 'closing', 'closed', 'paid')),
        since_ms INTEGER NOT NULL,
        note TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
    `,
  },
  ...laterMigrations,
]
