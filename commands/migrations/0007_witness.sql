-- What parties outside were told of the ledger, and what they answered. Append-only: it is proof of what was said when.

CREATE TABLE ledger.witnessed (
    witness text NOT NULL,                              -- kind and name, such as "time stamp by tsa.example.org"
    size bigint NOT NULL,                               -- of a row in checkpoints
    told_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    answer bytea NOT NULL,                              -- of a time stamp: the response of RFC 3161; else empty
    PRIMARY KEY (witness, size)
);

CREATE TRIGGER witnessed_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.witnessed
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.forbid();

GRANT SELECT, INSERT ON ledger.witnessed TO vigil_notary;
GRANT SELECT ON ledger.witnessed TO vigil_app;
