-- When a score of an attack of the house was first known: a board that stands still does not learn of it later.
ALTER TABLE house ADD COLUMN known_at BIGINT;
UPDATE house SET known_at = finished_at WHERE state = 'done';

-- Sessions as their owner sees them: an id that ends one, when it was last used, and roughly with what.
ALTER TABLE session ADD COLUMN id TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN seen_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN browser TEXT NOT NULL DEFAULT '';
UPDATE session SET id = substr(token_hash, 1, 16), seen_at = created_at;
