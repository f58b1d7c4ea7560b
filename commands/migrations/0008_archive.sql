-- Archived streams. The bytes of their events leave the table for a bundle in an object store. Each event's row stays,
-- with its stream, version, tag, position and time, so that no reader skips anything, versions go on, and its leaf
-- stands in the tree; `state` is empty then, which no stored event ever is.

CREATE TABLE ledger.archived (
    stream text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL CHECK (version > 0),        -- its last
    place text NOT NULL,                                -- the object store, as a URL
    bundle text NOT NULL,                               -- the object's key in it
    sha256 bytea NOT NULL CHECK (length(sha256) = 32),  -- of the whole bundle
    archived_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX archived_bundle_idx ON ledger.archived (bundle);

-- The leaf that the notary made of an event; commands/leaf.py has the same.
CREATE FUNCTION ledger.leaf_hash(stream text, version bigint, topic text, recorded_at timestamptz, state bytea)
RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT sha256('\x00'::bytea || convert_to('vigil/event/1', 'UTF8')
        || int4send(octet_length(convert_to(stream, 'UTF8'))) || convert_to(stream, 'UTF8')
        || int4send(8) || int8send(version)
        || int4send(octet_length(convert_to(topic, 'UTF8'))) || convert_to(topic, 'UTF8')
        || int4send(8) || int8send((extract(epoch FROM recorded_at) * 1000000)::bigint)
        || int4send(octet_length(state)) || state)
$$;

-- An event changes in one way only, whoever asks: its bytes go while its stream has a row in `archived`, and come back
-- while it still has it; and those that go or come are the very ones that the notary sealed.
CREATE FUNCTION ledger.only_out_and_in() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF new.originator_id = old.originator_id AND new.originator_version = old.originator_version
        AND new.topic = old.topic AND new.notification_id = old.notification_id AND new.recorded_at = old.recorded_at
        AND (length(old.state) = 0) <> (length(new.state) = 0)
        AND EXISTS (SELECT FROM ledger.archived a
            WHERE a.stream = old.originator_id AND a.version >= old.originator_version)
        AND EXISTS (SELECT FROM ledger.leaves l WHERE l.position = old.notification_id
            AND l.hash = ledger.leaf_hash(old.originator_id, old.originator_version, old.topic, old.recorded_at,
                CASE WHEN length(old.state) = 0 THEN new.state ELSE old.state END))
    THEN
        RETURN new;
    END IF;
    RAISE EXCEPTION 'the ledger is append-only: position % keeps what was sealed', old.notification_id
        USING ERRCODE = 'insufficient_privilege';
END $$;
DROP TRIGGER events_append_only ON ledger.events;
CREATE TRIGGER events_append_only BEFORE DELETE OR TRUNCATE ON ledger.events
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.forbid();
CREATE TRIGGER events_only_out_and_in BEFORE UPDATE ON ledger.events
    FOR EACH ROW EXECUTE FUNCTION ledger.only_out_and_in();

-- A stream counts as archived for as long as any of its events is away.
CREATE FUNCTION ledger.only_when_back() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM ledger.events e WHERE e.originator_id = old.stream AND length(e.state) = 0) THEN
        RAISE EXCEPTION 'events of % are still away', old.stream USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN old;
END $$;
CREATE TRIGGER archived_append_only BEFORE UPDATE OR TRUNCATE ON ledger.archived
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.forbid();
CREATE TRIGGER archived_until_back BEFORE DELETE ON ledger.archived
    FOR EACH ROW EXECUTE FUNCTION ledger.only_when_back();

-- Both are the owner's alone: nobody is granted EXECUTE. All or nothing, under the lock that appends take.

-- Takes the bytes of these streams out; each must end at its version of `versions`. Gives the number of events.
CREATE FUNCTION ledger.take_out(place text, bundle text, sha256 bytea, streams text[], versions bigint[])
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moved text;
    taken bigint;
BEGIN
    LOCK TABLE ledger.events IN EXCLUSIVE MODE;
    SELECT w.stream INTO moved FROM unnest(streams, versions) AS w(stream, version)
        WHERE w.version IS DISTINCT FROM
            (SELECT max(e.originator_version) FROM ledger.events e WHERE e.originator_id = w.stream) LIMIT 1;
    IF moved IS NOT NULL THEN
        RAISE EXCEPTION '% has moved on', moved USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    INSERT INTO ledger.archived (stream, version, place, bundle, sha256)
        SELECT w.stream, w.version, take_out.place, take_out.bundle, take_out.sha256
        FROM unnest(streams, versions) AS w(stream, version);
    UPDATE ledger.events SET state = '' WHERE originator_id = ANY (streams);
    GET DIAGNOSTICS taken = ROW_COUNT;
    RETURN taken;
END $$;

-- Puts the bytes of a bundle's events back, all of them or none. Gives the number of events.
CREATE FUNCTION ledger.put_back(bundle text, streams text[], versions bigint[], states bytea[])
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    back bigint;
BEGIN
    LOCK TABLE ledger.events IN EXCLUSIVE MODE;
    UPDATE ledger.events e SET state = b.state FROM unnest(streams, versions, states) AS b(stream, version, state)
        WHERE e.originator_id = b.stream AND e.originator_version = b.version;
    GET DIAGNOSTICS back = ROW_COUNT;
    DELETE FROM ledger.archived a WHERE a.bundle = put_back.bundle;
    RETURN back;
END $$;

-- As it was in 0002_ledger.sql, with one more verdict: `archived`, for a command that reads or writes a stream whose
-- bytes are away. It can be said again once they are back.
CREATE OR REPLACE FUNCTION ledger.append(
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
    away int[];                                         -- places of commands on streams that are archived
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
    SELECT array_agg(p.reader) INTO away
        FROM (SELECT unnest(readers) AS reader, unnest(seen) AS stream) AS p
        CROSS JOIN LATERAL (SELECT FROM ledger.archived a WHERE a.stream = p.stream LIMIT 1) AS gone;
    IF known IS NOT NULL OR moved IS NOT NULL OR away IS NOT NULL THEN
        RETURN QUERY
        SELECT c.place::int,
               CASE WHEN r.command IS NOT NULL THEN 'again' WHEN c.place = ANY (away) THEN 'archived'
                    ELSE 'conflict' END,
               r.position, r.recorded_at, r.request, r.outcome
        FROM unnest(commands) WITH ORDINALITY AS c(command, place)
        LEFT JOIN LATERAL (SELECT x.* FROM ledger.receipts x WHERE x.command = c.command LIMIT 1) AS r ON true
        WHERE c.place = ANY (known || moved || away);
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

GRANT SELECT ON ledger.archived TO vigil_app, vigil_project, vigil_notary;
