-- Work that is to be done: one row a piece, from when it is wanted until it has ended. Which there are follows from the tables above; who
-- is handed one, and when again, is the business of the queue, which knows it by its id alone.
CREATE TABLE job (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL, -- check, record, house, rejudge, mail
    subject TEXT NOT NULL, -- the submission, or the mail
    object TEXT NOT NULL, -- the attacker of the house, or the rejudging; else empty
    priority BIGINT NOT NULL, -- the larger, the earlier
    due_at BIGINT NOT NULL, -- the place among those of a priority; of mail also when it may be sent
    handed BIGINT NOT NULL, -- whether the queue knows of it
    attempts BIGINT NOT NULL, -- how often it was begun
    worker TEXT, -- who began it last: whose end counts
    UNIQUE (kind, subject, object)
);

ALTER TABLE submission DROP COLUMN worker;
ALTER TABLE submission DROP COLUMN lease_until;
ALTER TABLE submission DROP COLUMN attempts;
ALTER TABLE house DROP COLUMN worker;
ALTER TABLE house DROP COLUMN lease_until;
ALTER TABLE house DROP COLUMN attempts;
ALTER TABLE rejudged DROP COLUMN worker;
ALTER TABLE rejudged DROP COLUMN lease_until;
ALTER TABLE rejudged DROP COLUMN attempts;
