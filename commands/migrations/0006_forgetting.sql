-- Processes ask again and again which keys were destroyed lately, so that none keeps one in memory.

CREATE INDEX data_destroyed_idx ON keys.data (destroyed_at) WHERE destroyed_at IS NOT NULL;
