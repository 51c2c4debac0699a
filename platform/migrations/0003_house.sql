-- Attacks of the house that take long, one row a defence and attacker: this table is the truth about them, as `submission` is about
-- uploads.

CREATE TABLE house (
    submission_id TEXT NOT NULL REFERENCES submission (id),
    attacker TEXT NOT NULL,
    state TEXT NOT NULL, -- queued, running, done, failed
    attempts BIGINT NOT NULL,
    worker TEXT,
    lease_until BIGINT,
    queued_at BIGINT NOT NULL,
    finished_at BIGINT,
    reason TEXT,
    PRIMARY KEY (submission_id, attacker)
);
CREATE INDEX house_queue ON house (state, queued_at);
