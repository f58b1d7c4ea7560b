-- The ledger: events in one order, receipts of commands, and the one function that appends.
-- Column names are those of the eventsourcing library's recorder, so that its replay, snapshots and tools read this table.

CREATE TABLE ledger.events (
    originator_id text COLLATE "C" NOT NULL,            -- the stream: tenant/kind/name
    originator_version bigint NOT NULL,                 -- from 1, without gaps, within the stream
    topic text COLLATE "C" NOT NULL,                    -- the event's tag
    state bytea NOT NULL,                               -- the envelope, as JSON; private fields sealed
    notification_id bigint GENERATED ALWAYS AS IDENTITY,-- the position: commit order
    recorded_at timestamptz NOT NULL,                   -- never decreases with the position
    PRIMARY KEY (originator_id, originator_version)
);
CREATE UNIQUE INDEX events_notification_id_idx ON ledger.events (notification_id);
CREATE INDEX events_recorded_at_idx ON ledger.events (recorded_at);

CREATE TABLE ledger.receipts (
    command uuid PRIMARY KEY,                           -- from tenant, actor and idempotency key
    request bytea NOT NULL,                             -- SHA-256 of method, path and body
    outcome text NOT NULL,                              -- JSON: status, ids, rule; no personal data
    position bigint,                                    -- of the command's last event; null when it changed nothing
    recorded_at timestamptz NOT NULL
);

CREATE FUNCTION ledger.forbid() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'the ledger is append-only' USING ERRCODE = 'insufficient_privilege'; END $$;
CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.events
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.forbid();
CREATE TRIGGER receipts_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.receipts
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.forbid();

-- Takes a batch of commands and answers each with a verdict: `done`, `again` (its receipt stands) or `conflict` (a
-- stream has moved on). A command's parts name each stream that it read or writes, with the version it saw, and are
-- all or nothing. Events of one part lie next to each other in `topics` and `states`, in the order of the parts.
-- Set-based on purpose (a loop is four times slower), and planned once for each connection (planning takes as long as a
-- small append). That plan must hold whether the table was empty then or not: tables are read by index, and what joins
-- the arrays of a batch is hashed, because nested loops over them grow with the square of the batch.
CREATE FUNCTION ledger.append(
    commands uuid[], requests bytea[], outcomes text[],
    owners int[], streams text[], afters bigint[], counts int[],
    topics text[], states bytea[]
) RETURNS TABLE (command uuid, verdict text, at_position bigint, at_time timestamptz, old_request bytea, old_outcome text)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_nestloop = off SET jit = off
AS $$
DECLARE
    stamp timestamptz;
BEGIN
    LOCK TABLE ledger.events IN EXCLUSIVE MODE;         -- position order = commit order, for the library's writers too
    SELECT greatest(clock_timestamp(), e.recorded_at) INTO stamp
        FROM (SELECT 1) AS one
        LEFT JOIN LATERAL (SELECT x.recorded_at FROM ledger.events x ORDER BY x.notification_id DESC LIMIT 1) e ON true;
    NOTIFY ledger;                                      -- a hint only: readers poll as well
    RETURN QUERY
    WITH cmd AS (
        SELECT u.* FROM unnest(commands, requests, outcomes) WITH ORDINALITY AS u(command, request, outcome, n)),
    part AS (
        SELECT u.*, sum(u.count) OVER (ORDER BY u.n) - u.count AS skip
        FROM unnest(owners, streams, afters, counts) WITH ORDINALITY AS u(owner, stream, after, count, n)),
    stale AS (
        SELECT p.owner, bool_or(coalesce(h.head, 0) <> p.after) AS moved
        FROM part p
        LEFT JOIN LATERAL (SELECT e.originator_version AS head FROM ledger.events e
                           WHERE e.originator_id = p.stream ORDER BY e.originator_version DESC LIMIT 1) h ON true
        GROUP BY p.owner),
    judged AS (
        SELECT c.*, r.request AS old_request, r.outcome AS old_outcome, r.position AS old_position, r.recorded_at AS old_time,
               CASE WHEN r.command IS NOT NULL THEN 'again' WHEN coalesce(s.moved, false) THEN 'conflict' ELSE 'done' END AS verdict
        FROM cmd c
        LEFT JOIN LATERAL (SELECT x.* FROM ledger.receipts x WHERE x.command = c.command LIMIT 1) r ON true
        LEFT JOIN stale s ON s.owner = c.n),
    fresh AS (
        INSERT INTO ledger.events (originator_id, originator_version, topic, state, recorded_at)
        SELECT p.stream, p.after + i, topics[p.skip + i], states[p.skip + i], stamp
        FROM judged j JOIN part p ON p.owner = j.n, generate_series(1, p.count) AS i
        WHERE j.verdict = 'done' ORDER BY p.n, i
        RETURNING originator_id, originator_version, notification_id),
    reached AS (
        SELECT p.owner, max(f.notification_id) AS position
        FROM part p JOIN fresh f ON f.originator_id = p.stream AND f.originator_version = p.after + p.count
        WHERE p.count > 0 GROUP BY p.owner),
    kept AS (
        INSERT INTO ledger.receipts (command, request, outcome, position, recorded_at)
        SELECT j.command, j.request, j.outcome, l.position, stamp
        FROM judged j LEFT JOIN reached l ON l.owner = j.n WHERE j.verdict = 'done')
    SELECT j.command, j.verdict, coalesce(l.position, j.old_position), coalesce(j.old_time, stamp), j.old_request, j.old_outcome
    FROM judged j LEFT JOIN reached l ON l.owner = j.n;
END $$;

REVOKE ALL ON FUNCTION ledger.append FROM PUBLIC;
GRANT USAGE ON SCHEMA ledger TO vigil_app, vigil_project, vigil_notary;
GRANT SELECT ON ledger.events TO vigil_app, vigil_project, vigil_notary;
GRANT SELECT ON ledger.receipts TO vigil_app;
GRANT EXECUTE ON FUNCTION ledger.append TO vigil_app;
