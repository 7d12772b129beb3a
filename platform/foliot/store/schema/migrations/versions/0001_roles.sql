-- Three roles: the owner (who runs this), the service (ingest, workers, relay) and the front doors.
-- The front role reads its tenant's rows only: app.tenant names the tenant, row-level security holds it.

DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['foliot_service', 'foliot_front'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE', role);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;
            END;
        END IF;
    END LOOP;
END $$;

-- Nobody but the owner makes tables, temporary ones neither: such as stand before those that a function reads.
DO $$ BEGIN
    EXECUTE format('REVOKE TEMP ON DATABASE %I FROM PUBLIC', current_database());
END $$;
GRANT USAGE ON SCHEMA public TO foliot_service, foliot_front;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO foliot_service;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO foliot_service;
REVOKE UPDATE, DELETE ON journal, versions, batches, intakes FROM foliot_service;
GRANT UPDATE (deprecated_at) ON versions TO foliot_service;
REVOKE ALL ON alembic_version FROM foliot_service;

-- A ring's segment is emptied by a function: the service role has no TRUNCATE of its own.
-- It is locked before what is still wanted of it is copied: a lock that cannot be had then costs no copy.
CREATE FUNCTION lock_segment(ring text, segment int) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF ring NOT IN ('inbox', 'outbox', 'timers', 'dedupe')
       OR segment = (SELECT r.segment FROM public.rings r WHERE r.name = ring) THEN
        RAISE EXCEPTION 'segment % of % is not to be emptied', segment, ring;
    END IF;
    EXECUTE format('LOCK TABLE public.%I IN ACCESS EXCLUSIVE MODE', ring || '_' || segment);
END $$;
REVOKE ALL ON FUNCTION lock_segment(text, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lock_segment(text, int) TO foliot_service;

CREATE FUNCTION empty_segment(ring text, segment int) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM public.lock_segment(ring, segment);
    EXECUTE format('TRUNCATE public.%I', ring || '_' || segment);
END $$;
REVOKE ALL ON FUNCTION empty_segment(text, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION empty_segment(text, int) TO foliot_service;

-- What a transaction needs before it may commit, demanded where the commit is sent along with the statements.
-- A unique_violation is what the store takes for a conflict with another writer.
CREATE FUNCTION expect_rows(what text, there bigint, wanted bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF there <> wanted THEN
        RAISE unique_violation USING MESSAGE =
            format('%s of %s %s are as they were read: another has written them', there, wanted, what);
    END IF;
END $$;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['api_keys', 'machines', 'versions', 'channels', 'operations', 'schemas', 'routes', 'inbox',
                                'inbox_late', 'held', 'dead_letters', 'instances', 'journal', 'outbox', 'outbox_late',
                                'timers', 'timers_late'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY service_all ON %I TO foliot_service USING (true) WITH CHECK (true)', name);
        EXECUTE format('CREATE POLICY front_own ON %I FOR SELECT TO foliot_front '
                       'USING (tenant = (SELECT nullif(current_setting(''app.tenant'', true), '''')::int))', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['machines', 'versions', 'channels', 'operations', 'schemas', 'routes', 'held',
                                'dead_letters', 'instances', 'journal'] LOOP
        EXECUTE format('GRANT SELECT ON %I TO foliot_front', name);
    END LOOP;
END $$;

-- The owner makes the first tenant, so it is not held out.
ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
CREATE POLICY service_all ON tenants TO foliot_service USING (true) WITH CHECK (true);
CREATE POLICY front_own ON tenants FOR SELECT TO foliot_front
    USING (number = (SELECT nullif(current_setting('app.tenant', true), '')::int));
GRANT SELECT ON tenants TO foliot_front;

-- Machines are published and channels moved through the front doors too, each tenant's by itself.
DO $$
DECLARE
    name text;
    mine text := '(tenant = (SELECT nullif(current_setting(''app.tenant'', true), '''')::int))';
BEGIN
    FOREACH name IN ARRAY ARRAY['machines', 'versions', 'channels', 'operations'] LOOP
        EXECUTE format('CREATE POLICY front_makes ON %I FOR INSERT TO foliot_front WITH CHECK %s', name, mine);
        EXECUTE format('GRANT INSERT ON %I TO foliot_front', name);
    END LOOP;
    EXECUTE format('CREATE POLICY front_moves ON channels FOR UPDATE TO foliot_front USING %s WITH CHECK %s', mine, mine);
END $$;
GRANT UPDATE (revision, version, all_revision, all_version, moved_at) ON channels TO foliot_front;
GRANT USAGE ON SEQUENCE machines_number_seq TO foliot_front;
