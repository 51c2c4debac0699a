-- When somebody followed a link that was sent to the address of the account. Accounts of before are taken for confirmed.
ALTER TABLE account ADD COLUMN confirmed_at BIGINT;
UPDATE account SET confirmed_at = created_at;

-- Mail to be sent, written in the transaction of what it tells of. Of one that was sent the text is gone: links in it are secrets.
CREATE TABLE mail (
    id TEXT PRIMARY KEY,
    address TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    next_at BIGINT NOT NULL, -- when it is tried, next
    sent_at BIGINT,
    reason TEXT -- why the last attempt failed
);
CREATE INDEX mail_due ON mail (sent_at, next_at);
