-- What the projector keeps beside the rows of its models, whose tables it makes itself: how far each model has come, which
-- rows wait for a fix, and what was pushed lately. All of it can be made again from the ledger.
SET LOCAL ROLE vigil_project;

CREATE TABLE read.position (
    model text COLLATE "C" NOT NULL,
    version int NOT NULL,                               -- of the model's code
    build int NOT NULL,                                 -- a model can be built again under the same version
    live boolean NOT NULL,                              -- the view named after the model shows this build
    position bigint NOT NULL DEFAULT 0,                 -- of the last event folded
    mark bigint NOT NULL DEFAULT 0,                     -- of the last change pushed; never below the position
    resumable_from bigint NOT NULL DEFAULT 0,           -- a reader with a lower mark has to begin afresh
    PRIMARY KEY (model, version, build)
);
CREATE UNIQUE INDEX position_live_idx ON read.position (model) WHERE live;

CREATE TABLE read.parked (
    model text COLLATE "C" NOT NULL,
    version int NOT NULL,
    build int NOT NULL,
    key text COLLATE "C" NOT NULL,                      -- of the row; a stream's id when its event could not be decoded
    tenant text COLLATE "C" NOT NULL,
    stream text COLLATE "C" NOT NULL,                   -- the first event that failed
    position bigint NOT NULL,
    error text NOT NULL,                                -- what failed and where, without any value
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (model, version, build, key)
);

CREATE TABLE read.live_change (
    tenant text COLLATE "C" NOT NULL,
    channel text COLLATE "C" NOT NULL,                  -- `schedule/<id>` or `session/<id>`
    mark bigint NOT NULL,                               -- the position of the event, or a little above it
    model text COLLATE "C" NOT NULL,
    patches jsonb NOT NULL,                             -- what one event changed, in order
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, channel, mark)
);
CREATE INDEX live_change_at_idx ON read.live_change (model, at);

ALTER TABLE read.parked ENABLE ROW LEVEL SECURITY;
ALTER TABLE read.live_change ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON read.parked FOR SELECT USING (tenant = current_setting('vigil.tenant', true));
CREATE POLICY own_tenant ON read.live_change FOR SELECT USING (tenant = current_setting('vigil.tenant', true));

RESET ROLE;
