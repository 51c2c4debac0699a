-- A rejudging: a fixed list of submissions that are checked and scored again beside what counts, looked at, then applied at once or
-- dropped.

CREATE TABLE rejudging (
    id TEXT PRIMARY KEY,
    round_id TEXT NOT NULL REFERENCES round (id),
    kind TEXT NOT NULL, -- of the submissions
    reason TEXT NOT NULL,
    account TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    state TEXT NOT NULL, -- open, applied, dropped
    ended_at BIGINT
);

CREATE TABLE rejudged (
    rejudging_id TEXT NOT NULL REFERENCES rejudging (id),
    submission_id TEXT NOT NULL REFERENCES submission (id),
    worker TEXT,
    lease_until BIGINT,
    attempts BIGINT NOT NULL,
    state TEXT, -- what the submission would be; none until it is known
    reason TEXT,
    outcome TEXT,
    scores TEXT, -- JSON
    scorer TEXT,
    PRIMARY KEY (rejudging_id, submission_id)
);
