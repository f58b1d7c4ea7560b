-- Roles and schemas. Roles belong to the whole cluster: another database, or a migration running beside this one, may
-- have made them already. They get no password here; where passwords are needed, the operator sets them.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['vigil_app', 'vigil_project', 'vigil_keys', 'vigil_notary'] LOOP
        BEGIN
            IF to_regrole(name) IS NULL THEN
                EXECUTE format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION', name);
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL; -- made at the same moment by another
        END;
    END LOOP;
    IF NOT pg_has_role(current_user, 'vigil_project', 'SET') THEN -- an owner that is no superuser, to hand over `read`
        EXECUTE format('GRANT vigil_project TO %I', current_user);
    END IF;
END
$$;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

CREATE SCHEMA ledger;                              -- owned by whoever migrates; grants stand beside the tables
CREATE SCHEMA keys;
CREATE SCHEMA read AUTHORIZATION vigil_project;    -- the projector makes and drops its own tables

GRANT USAGE ON SCHEMA read TO vigil_app;
ALTER DEFAULT PRIVILEGES FOR ROLE vigil_project IN SCHEMA read GRANT SELECT ON TABLES TO vigil_app;

-- Made by the migrator before the first file: every process may see which migrations have been applied.
GRANT USAGE ON SCHEMA vigil TO vigil_app, vigil_project, vigil_keys, vigil_notary;
GRANT SELECT ON vigil.migration TO vigil_app, vigil_project, vigil_keys, vigil_notary;
