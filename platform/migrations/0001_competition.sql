-- One schema for SQLite and PostgreSQL: ids are random text drawn by the program, times are milliseconds since 1970 in UTC,
-- lists and settings are JSON in text.

CREATE TABLE setting (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE account (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE, -- lower case
    email TEXT NOT NULL,
    email_key TEXT NOT NULL UNIQUE,
    password TEXT NOT NULL, -- argon2id with its parameters
    role TEXT NOT NULL, -- player, organiser
    locked BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE invitation (
    id TEXT PRIMARY KEY,
    code_hash TEXT NOT NULL UNIQUE,
    note TEXT NOT NULL,
    uses_left BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

-- A link that works once, such as the one that makes the first organiser.
CREATE TABLE one_time (
    token_hash TEXT PRIMARY KEY,
    purpose TEXT NOT NULL,
    account_id TEXT,
    expires_at BIGINT NOT NULL
);

CREATE TABLE session (
    token_hash TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES account (id),
    csrf TEXT NOT NULL,
    notice TEXT, -- shown once on the next page
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE TABLE api_token (
    id TEXT PRIMARY KEY,
    token_hash TEXT NOT NULL UNIQUE,
    account_id TEXT NOT NULL REFERENCES account (id),
    label TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

-- What was tried when, to limit rates: over all processes, and still there after a restart.
CREATE TABLE attempt (
    what TEXT NOT NULL,
    who TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX attempt_of ON attempt (what, who, at);

CREATE TABLE team (
    id TEXT PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE, -- the team_id of competition files
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    code TEXT NOT NULL UNIQUE, -- whoever knows it may join
    created_at BIGINT NOT NULL
);

-- By its key, nobody is in two teams.
CREATE TABLE membership (
    account_id TEXT PRIMARY KEY REFERENCES account (id),
    team_id TEXT NOT NULL REFERENCES team (id),
    joined_at BIGINT NOT NULL
);
CREATE INDEX membership_of_team ON membership (team_id);

-- Phases follow from the clock and these times, so there is no state to forget or to disagree about.
CREATE TABLE round (
    id TEXT PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    opens_at BIGINT NOT NULL,
    defence_at BIGINT NOT NULL,
    attack_at BIGINT NOT NULL,
    closes_at BIGINT NOT NULL,
    settings TEXT NOT NULL,
    seed BIGINT NOT NULL, -- of the matches
    settled_at BIGINT -- when defences were pinned and matches drawn
);

CREATE TABLE submission (
    id TEXT PRIMARY KEY,
    round_id TEXT NOT NULL REFERENCES round (id),
    team_id TEXT NOT NULL REFERENCES team (id),
    account_id TEXT NOT NULL REFERENCES account (id),
    kind TEXT NOT NULL, -- defence, attack
    against TEXT, -- of an attack on one team only, that team
    file_name TEXT NOT NULL, -- csv or csv.zip under a name of ours
    bytes BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    seed BIGINT NOT NULL, -- of the split; never shown
    received_at BIGINT NOT NULL,
    chosen_at BIGINT, -- when its team last chose it
    state TEXT NOT NULL, -- queued, running, done, refused, failed
    attempts BIGINT NOT NULL,
    worker TEXT,
    lease_until BIGINT,
    started_at BIGINT,
    finished_at BIGINT,
    reason TEXT,
    outcome TEXT, -- JSON
    scorer TEXT
);
CREATE INDEX submission_queue ON submission (state, received_at);
CREATE INDEX submission_of ON submission (round_id, team_id, kind, received_at);

CREATE TABLE pin (
    round_id TEXT NOT NULL REFERENCES round (id),
    team_id TEXT NOT NULL REFERENCES team (id),
    submission_id TEXT NOT NULL REFERENCES submission (id),
    PRIMARY KEY (round_id, team_id)
);

CREATE TABLE game (
    round_id TEXT NOT NULL REFERENCES round (id),
    attacker_id TEXT NOT NULL REFERENCES team (id),
    defender_id TEXT NOT NULL REFERENCES team (id),
    position BIGINT NOT NULL,
    PRIMARY KEY (round_id, attacker_id, defender_id)
);

-- Of a team's attack on a defence, and of a house attacker's (submission_id is then the defence, attacker its name).
CREATE TABLE result (
    submission_id TEXT NOT NULL REFERENCES submission (id),
    attacker TEXT NOT NULL, -- team, or the name of a house attacker
    defender_id TEXT NOT NULL REFERENCES team (id),
    part TEXT NOT NULL, -- public, private, all
    scorer TEXT NOT NULL,
    traces BIGINT NOT NULL,
    accuracy DOUBLE PRECISION NOT NULL,
    roc_auc DOUBLE PRECISION NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (submission_id, attacker, defender_id, part)
);

CREATE TABLE announcement (
    id TEXT PRIMARY KEY,
    at BIGINT NOT NULL,
    text TEXT NOT NULL
);

CREATE TABLE audit (
    id TEXT PRIMARY KEY,
    at BIGINT NOT NULL,
    account TEXT NOT NULL, -- a name, or what acted without one
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX audit_by_time ON audit (at);
