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

-- Takes a batch of commands. When all may be written they are, and one row says so: `done`, with the position of the last
-- event, null without any. Otherwise nothing is, and there is a row for each that stands in the way: its place in
-- `commands`, from 1, and `again` (its receipt stands) or `conflict` (a stream has moved on). `readers`, `seen`, `at` name
-- each stream that a command reads or writes, with the version it saw; `streams`, `versions`, `topics`, `states` are the
-- events, in the order of the commands; `reaches` count the events up to a command's last, 0 when it has none.
-- Set-based on purpose (a loop is four times slower), `unnest` in the SELECT list (in FROM it costs a tenth more), and
-- planned once for each connection (planning takes as long as a small append). That plan must hold whether the tables
-- were empty then or not, so they are read by index.
CREATE FUNCTION ledger.append(
    commands uuid[], requests bytea[], outcomes text[], reaches int[],
    readers int[], seen text[], at int[],
    streams text[], versions int[], topics text[], states bytea[]
) RETURNS TABLE (place int, verdict text, at_position bigint, at_time timestamptz, old_request bytea, old_outcome text)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
DECLARE
    stamp timestamptz;
    known int[];                                        -- places of commands whose receipt stands
    moved int[];                                        -- places of commands that saw an older version
    written bigint;
    before bigint;
BEGIN
    LOCK TABLE ledger.events IN EXCLUSIVE MODE;         -- position order = commit order, for the library's writers too
    SELECT array_agg(array_position(commands, r.command)) INTO known
        FROM ledger.receipts r WHERE r.command = ANY (commands);
    -- Its last event and nothing after it: one short look at the index, however long the stream is.
    SELECT array_agg(p.reader) INTO moved
        FROM (SELECT unnest(readers) AS reader, unnest(seen) AS stream, unnest(at) AS version) AS p
        CROSS JOIN LATERAL (SELECT count(*) AS n FROM (SELECT FROM ledger.events e
            WHERE e.originator_id = p.stream AND e.originator_version >= p.version LIMIT 2) AS two) AS from_there
        WHERE from_there.n <> least(p.version, 1);
    IF known IS NOT NULL OR moved IS NOT NULL THEN
        RETURN QUERY
        SELECT c.place::int, CASE WHEN r.command IS NULL THEN 'conflict' ELSE 'again' END,
               r.position, r.recorded_at, r.request, r.outcome
        FROM unnest(commands) WITH ORDINALITY AS c(command, place)
        LEFT JOIN LATERAL (SELECT x.* FROM ledger.receipts x WHERE x.command = c.command LIMIT 1) AS r ON true
        WHERE c.place = ANY (known || moved);
        RETURN;
    END IF;
    SELECT e.recorded_at INTO stamp FROM ledger.events e ORDER BY e.notification_id DESC LIMIT 1;
    stamp := greatest(clock_timestamp(), stamp);
    INSERT INTO ledger.events (originator_id, originator_version, topic, state, recorded_at)
        SELECT unnest(streams), unnest(versions), unnest(topics), unnest(states), stamp;
    GET DIAGNOSTICS written = ROW_COUNT;
    IF written > 0 THEN
        before := lastval() - written;                  -- nobody else took a position: the lock is ours
    END IF;
    INSERT INTO ledger.receipts (command, request, outcome, position, recorded_at)
        SELECT unnest(commands), unnest(requests), unnest(outcomes), before + nullif(unnest(reaches), 0), stamp;
    NOTIFY ledger;                                      -- a hint only: readers poll as well
    RETURN QUERY SELECT 0, 'done', before + written, stamp, NULL::bytea, NULL::text;
END $$;

REVOKE ALL ON FUNCTION ledger.append FROM PUBLIC;
GRANT USAGE ON SCHEMA ledger TO vigil_app, vigil_project, vigil_notary;
GRANT SELECT ON ledger.events TO vigil_app, vigil_project, vigil_notary;
GRANT SELECT ON ledger.receipts TO vigil_app;
GRANT EXECUTE ON FUNCTION ledger.append TO vigil_app;
