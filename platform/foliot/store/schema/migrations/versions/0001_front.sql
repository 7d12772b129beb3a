-- What the front doors may do beyond reading their tenant's rows, each thing by a function that runs with the rights of
-- the service role and looks to the tenant that the session has set (app.tenant) before anything else.

-- out: the tenant's number
-- fails: where the session has set none
CREATE FUNCTION front_tenant() RETURNS int4 LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    mine int4 := nullif(current_setting('app.tenant', true), '')::int4;
BEGIN
    IF mine IS NULL THEN
        RAISE insufficient_privilege USING MESSAGE = 'the session has set no tenant';
    END IF;
    RETURN mine;
END $$;

-- in: the id of an API key
-- out: whose it is, and what it takes to know it; nothing where there is no such key
-- index: api_keys_pkey
CREATE FUNCTION front_key(wanted text)
RETURNS TABLE (tenant int4, slug text, hash bytea, scopes text[], expires_at timestamptz, revoked_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
BEGIN ATOMIC
    SELECT k.tenant, t.slug, k.hash, k.scopes, k.expires_at, k.revoked_at
    FROM api_keys k JOIN tenants t ON t.number = k.tenant WHERE k.id = wanted;
END;

-- in: a tenant's name
-- out: its number, for callers without a key
-- index: tenants_slug_key
CREATE FUNCTION front_tenant_number(wanted text) RETURNS int4
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
BEGIN ATOMIC
    SELECT t.number FROM tenants t WHERE t.slug = wanted;
END;

-- out: whether there is a key that opens anything
-- index: none; few rows
CREATE FUNCTION front_has_keys() RETURNS bool
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
BEGIN ATOMIC
    SELECT EXISTS (
        SELECT FROM api_keys WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp())
    );
END;

-- out: the part of the registry by which events of the tenant are brought in, at one revision: as registry.read_catalog
-- index: none; small tables
CREATE FUNCTION front_catalog()
RETURNS TABLE (revision int8, semantics int4, shards int2, secret bytea, map_epoch int4, slug text, tenant int4,
               machines json, channels json)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
BEGIN ATOMIC
    SELECT i.revision, i.semantics, i.shards, i.secret, i.map_epoch, t.slug, t.number,
           (SELECT coalesce(json_agg(json_build_array(m.number, m.tenant, t.slug, m.name)), '[]') FROM machines m
            WHERE m.tenant = t.number),
           (SELECT coalesce(json_agg(json_build_array(c.machine, c.name, c.revision, c.version, c.all_revision,
                                                      c.all_version)), '[]') FROM channels c
            WHERE c.tenant = t.number)
    FROM installation i, tenants t WHERE t.number = front_tenant();
END;

-- in, out: as take_in, for events of the session's tenant
-- fails: where a machine is another tenant's
-- locks: as take_in
-- index: machines_pkey, and those of take_in
CREATE FUNCTION front_take_in(
    IN revision int8, IN claims bytea[], IN hashes bytea[], IN shards int2[], IN queues int2[], IN machines int4[],
    IN keys text[], IN event_ids text[], IN sources text[], IN types text[], IN times text[], IN data text[],
    IN traceparents text[], OUT given int8[], OUT reused int4[], OUT accepted bytea[]
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    mine int4 := front_tenant();
BEGIN
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT number FROM unnest(machines) AS u (number)) AS wanted
        WHERE NOT EXISTS (SELECT FROM public.machines m WHERE m.number = wanted.number AND m.tenant = mine)
    ) THEN
        RAISE insufficient_privilege USING MESSAGE = 'a machine is not of this tenant';
    END IF;
    -- The queues of what is within quota, one a lane.
    IF NOT queues <@ ARRAY[0, 2, 4, 6]::int2[] THEN
        RAISE check_violation USING MESSAGE = 'a queue is none for events from outside';
    END IF;
    SELECT t.given, t.reused, t.accepted INTO given, reused, accepted
    FROM take_in(revision, claims, hashes, shards, queues, array_fill(mine, ARRAY[cardinality(claims)]), machines, keys,
                 event_ids, sources, types, times, data, traceparents, true) t;
END $$;

-- in: events that were taken in a moment ago
-- out: the number of each in its (shard, queue), null where it is not among the last thousand there
-- index: heads_pkey; inbox_pkey, the end of each queue
CREATE FUNCTION front_places(shards int2[], queues int2[], event_ids text[], sources text[]) RETURNS int8[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
BEGIN ATOMIC
    SELECT array_agg(found.number ORDER BY u.place)
    FROM unnest(shards, queues, event_ids, sources) WITH ORDINALITY AS u (shard, queue, event_id, source, place)
    LEFT JOIN LATERAL (
        SELECT i.number FROM heads h
        JOIN inbox i ON i.segment = ANY ('{0,1,2,3}'::int2[]) AND i.shard = h.shard AND i.queue = u.queue
             AND i.number > h.numbers[u.queue + 1] - 1000
        WHERE h.shard = u.shard AND i.tenant = front_tenant() AND i.event_id = u.event_id AND i.source = u.source
        ORDER BY i.number LIMIT 1
    ) found ON true;
END;

-- in: shards
-- out: the epoch of their map and, for each shard that there is, the last n of its journal and the last numbers applied;
--      how far things are, and not whose
-- index: cursors_pkey
CREATE FUNCTION front_progress(wanted int2[]) RETURNS TABLE (epoch int4, shard int2, n int8, numbers int8[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
BEGIN ATOMIC
    SELECT i.map_epoch, c.shard, c.n, c.numbers FROM installation i, cursors c WHERE c.shard = ANY (wanted);
END;

-- in: shards, and an n of each, as parallel arrays
-- out: the shards whose journal has gone on from there, but no longer has the next row
-- index: cursors_pkey, journal_pkey
CREATE FUNCTION front_gone(wanted int2[], afters int8[]) RETURNS TABLE (shard int2)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
BEGIN ATOMIC
    SELECT u.wanted FROM unnest(wanted, afters) AS u (wanted, after) JOIN cursors c ON c.shard = u.wanted
    WHERE c.n > u.after AND NOT EXISTS (SELECT FROM journal j WHERE j.shard = u.wanted AND j.n = u.after + 1);
END;

-- out: events that wait in the inboxes, of all tenants and lanes
-- index: none; heads and cursors have one row a shard
CREATE FUNCTION front_depth() RETURNS int8
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
BEGIN ATOMIC
    SELECT coalesce(sum((SELECT sum(h.numbers[q] - c.numbers[q]) FROM generate_series(1, 8) q)), 0)::int8
    FROM heads h JOIN cursors c ON c.shard = h.shard WHERE h.numbers <> c.numbers;
END;

-- out: the registry's revision, null where there is no installation
-- locks: the installation's row, until the commit: changes of the registry come one after the other
-- index: none; one row
CREATE FUNCTION registry_lock() RETURNS int8
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    present int8;
BEGIN
    SELECT i.revision INTO present FROM installation i FOR UPDATE;
    RETURN present;
END $$;

-- out: the new revision
-- locks: the installation's row
-- index: none; one row
CREATE FUNCTION registry_move() RETURNS int8
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
BEGIN ATOMIC
    UPDATE installation SET revision = revision + 1 RETURNING revision;
END;

-- in: a topic
-- out: the tenant that it is bound to, null where it is to none; the front doors get 0 for any other than their own
-- index: topics_pkey
CREATE FUNCTION registry_topic(wanted text) RETURNS int4
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    bound int4 := (SELECT t.tenant FROM topics t WHERE t.topic = wanted);
BEGIN
    IF pg_has_role(session_user, 'foliot_service', 'MEMBER') OR bound IS NULL OR bound = front_tenant() THEN
        RETURN bound;
    END IF;
    RETURN 0;
END $$;

DO $$
DECLARE
    signature regprocedure;
BEGIN
    -- The rights of the service role are enough, and row-level security holds the owner out of some tables.
    EXECUTE format('GRANT foliot_service TO %I', current_user);
    GRANT CREATE ON SCHEMA public TO foliot_service;
    FOR signature IN
        SELECT p.oid FROM pg_proc p
        WHERE p.pronamespace = 'public'::regnamespace AND p.proname ~ '^(front|registry)_'
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', signature);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO foliot_front, foliot_service', signature);
        EXECUTE format('ALTER FUNCTION %s OWNER TO foliot_service', signature);
    END LOOP;
    REVOKE CREATE ON SCHEMA public FROM foliot_service;
END $$;
