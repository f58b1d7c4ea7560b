-- Keys of people: a subject's key wrapped by the master key, and data keys wrapped by the subject's key.
-- A destroyed key leaves a tombstone, so that nothing can make a new one for the same person unseen.

CREATE TABLE keys.subject (
    subject text COLLATE "C" PRIMARY KEY,
    wrapped bytea,                                      -- null once destroyed
    created_at timestamptz NOT NULL DEFAULT now(),
    destroyed_at timestamptz
);

CREATE TABLE keys.data (
    subject text COLLATE "C" NOT NULL REFERENCES keys.subject,
    session text COLLATE "C" NOT NULL,                  -- empty for keys of the person, not of one session
    class text NOT NULL CHECK (class IN ('profile', 'identity', 'chat', 'media', 'notes')),
    wrapped bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    destroyed_at timestamptz,
    PRIMARY KEY (subject, session, class)
);

GRANT USAGE ON SCHEMA keys TO vigil_keys;
GRANT SELECT, INSERT, UPDATE ON keys.subject, keys.data TO vigil_keys;
