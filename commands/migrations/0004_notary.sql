-- The notary's tables: one leaf for each event in the order of positions, the complete nodes of the Merkle tree above
-- them, and the signed heads. All append-only, like the events.

CREATE TABLE ledger.leaves (
    index bigint PRIMARY KEY CHECK (index >= 0),        -- from 0, without gaps
    position bigint NOT NULL UNIQUE,                    -- of the event; positions may have gaps
    hash bytea NOT NULL CHECK (length(hash) = 32)       -- SHA-256 of a zero byte and the event's canonical bytes
);

CREATE TABLE ledger.nodes (
    level smallint CHECK (level > 0),                   -- node (k, i) is over the leaves from i * 2^k on, 2^k of them
    index bigint CHECK (index >= 0),
    hash bytea NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (level, index)
);

CREATE TABLE ledger.checkpoints (
    size bigint PRIMARY KEY CHECK (size > 0),           -- how many leaves it covers
    position bigint NOT NULL,                           -- of the last event that it covers
    root bytea NOT NULL CHECK (length(root) = 32),
    note text NOT NULL,                                 -- C2SP tlog-checkpoint, signed
    signed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX checkpoints_position_idx ON ledger.checkpoints (position);

CREATE TRIGGER leaves_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.leaves
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.forbid();
CREATE TRIGGER nodes_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.nodes
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.forbid();
CREATE TRIGGER checkpoints_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.checkpoints
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.forbid();

GRANT SELECT, INSERT ON ledger.leaves, ledger.nodes, ledger.checkpoints TO vigil_notary;
GRANT SELECT ON ledger.leaves, ledger.nodes, ledger.checkpoints TO vigil_app;
