-- What operators do to single events and instances, from the command line (as the service role) and from the front doors,
-- which are held to the tenant that the session has set (app.tenant). They run with the rights of the service role.

-- in: whose a row is, null for a dead letter of no tenant
-- out: whether the session may repair it
-- index: none
CREATE FUNCTION repair_may(owner int4) RETURNS bool
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RETURN pg_has_role(session_user, 'foliot_service', 'MEMBER') OR owner IS NOT DISTINCT FROM front_tenant();
END $$;

-- in: the id of a dead letter, who ends it
-- out: whether this call has ended it
-- locks: that row
-- index: dead_letters_pkey
CREATE FUNCTION repair_end_letter(wanted int8, operator text) RETURNS bool
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE dead_letters d SET status = 'redriven', ended_at = clock_timestamp(), ended_by = operator
    WHERE d.id = wanted AND d.status = 'open' AND repair_may(d.tenant);
    RETURN FOUND;
END $$;

-- Accepts the event of a dead letter of stage step once more, past the dedupe: its letter lets it through once.
-- in: the letter's id, the shard of its address, who does it
-- out: the queue that it waits in now; null where the letter was ended before
-- fails: where there is no such shard
-- locks: the letter's row, then the shard's head, until the commit
-- index: dead_letters_pkey, machines_tenant_name_key, heads_pkey; inbox_pkey grows at the end of the queue
CREATE FUNCTION repair_accept_letter(wanted int8, at_shard int2, operator text) RETURNS int2
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    letter public.dead_letters;
    event json;
    place int2;
    head record;
BEGIN
    UPDATE dead_letters d SET status = 'redriven', ended_at = clock_timestamp(), ended_by = operator
    WHERE d.id = wanted AND d.status = 'open' AND d.stage = 'step' AND repair_may(d.tenant) RETURNING d.* INTO letter;
    IF letter.id IS NULL THEN
        RETURN NULL;
    END IF;
    event := letter.event;
    place := 2 * (event ->> 'lane')::int2;
    UPDATE heads h SET numbers[place + 1] = h.numbers[place + 1] + 1, at = clock_timestamp()
    WHERE h.shard = at_shard RETURNING h.numbers[place + 1] AS given, h.segment INTO head;
    IF head.given IS NULL THEN
        RAISE check_violation USING MESSAGE = format('there is no queue %s of shard %s', place, at_shard);
    END IF;
    INSERT INTO inbox (segment, shard, queue, number, tenant, machine, key, kind, event_id, source, type, time, data,
                       traceparent, instance, timer, armed)
    SELECT head.segment, at_shard, place, head.given, letter.tenant, m.number, letter.key,
           CASE WHEN fired THEN 1 ELSE 0 END, event ->> 'id', event ->> 'source', event ->> 'type', event ->> 'time',
           -- Of type json, so that the text stays as it was hashed.
           nullif((event -> 'data')::text, 'null'), letter.traceparent, CASE WHEN fired THEN letter.instance END,
           event -> 'timer' ->> 0, (event -> 'timer' ->> 1)::int8
    FROM machines m, (SELECT event -> 'timer' IS NOT NULL AS fired) AS f
    WHERE m.tenant = letter.tenant AND m.name = letter.machine;
    IF NOT FOUND THEN
        RAISE check_violation USING MESSAGE = format('there is no machine %s', letter.machine);
    END IF;
    RETURN place;
END $$;

-- Numbers the message of a dead letter of stage send anew, so that the relay sends it once more, with its id and bytes.
-- in: the letter's id, who does it
-- out: whether this call has done it
-- fails: where there is no such shard or machine, or the topic is another tenant's
-- locks: the letter's row, then the shard's cursor, until the commit
-- index: dead_letters_pkey, cursors_pkey, machines_tenant_name_key, rings_pkey; outbox_pkey of the written segment grows
CREATE FUNCTION repair_send_letter(wanted int8, operator text) RETURNS bool
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    letter public.dead_letters;
    given int8;
BEGIN
    UPDATE dead_letters d SET status = 'redriven', ended_at = clock_timestamp(), ended_by = operator
    WHERE d.id = wanted AND d.status = 'open' AND d.stage = 'send' AND repair_may(d.tenant) RETURNING d.* INTO letter;
    IF letter.id IS NULL THEN
        RETURN false;
    END IF;
    IF EXISTS (SELECT FROM topics t WHERE t.topic = letter.topic AND t.tenant <> letter.tenant) THEN
        RAISE check_violation USING MESSAGE = format('topic %s belongs to another tenant now', letter.topic);
    END IF;
    UPDATE cursors c SET outbox = c.outbox + 1 WHERE c.shard = letter.shard RETURNING c.outbox INTO given;
    INSERT INTO outbox (segment, shard, number, tenant, machine, key, n, id, topic, body, traceparent)
    SELECT r.segment, letter.shard, given, letter.tenant, m.number, letter.key, letter.number, letter.event_id,
           letter.topic, letter.event, letter.traceparent
    FROM rings r, machines m
    WHERE r.name = 'outbox' AND given IS NOT NULL AND m.tenant = letter.tenant AND m.name = letter.machine;
    IF NOT FOUND THEN
        RAISE check_violation USING MESSAGE = format('there is no shard %s or machine %s', letter.shard, letter.machine);
    END IF;
    RETURN true;
END $$;

-- Lets a held instance go on: it drains what it holds from now on.
-- in: its shard and id, who does it
-- out: its mode before, of which only `held` was changed; null where there is no such instance
-- locks: the shard's cursor, then the instance and its dead letters of stage park, until the commit
-- index: instances_pkey, cursors_pkey, heads_pkey, dead_letters_parked; batches_pkey grows
CREATE FUNCTION repair_release(at_shard int2, wanted int8, operator text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    read record;
    present text;
    who text := 'release by ' || operator;
    new_token bytea := substr(uuid_send(gen_random_uuid()), 1, 12);
BEGIN
    -- Nobody waits for, or holds up, a shard in which there is nothing of their own.
    IF NOT EXISTS (SELECT FROM instances i WHERE i.shard = at_shard AND i.id = wanted AND repair_may(i.tenant)) THEN
        RETURN NULL;
    END IF;
    SELECT c.* INTO read FROM cursors c WHERE c.shard = at_shard FOR UPDATE;
    SELECT i.mode INTO present FROM instances i WHERE i.shard = at_shard AND i.id = wanted;
    IF present <> 'held' THEN
        RETURN present;
    END IF;
    UPDATE instances i SET mode = 'draining', stepped_at = clock_timestamp() WHERE i.shard = at_shard AND i.id = wanted;
    UPDATE dead_letters d SET status = 'redriven', ended_at = clock_timestamp(), ended_by = operator
    WHERE d.status = 'open' AND d.stage = 'park' AND d.instance = wanted;
    INSERT INTO batches (shard, batch, n_before, n_after, before, after, heads, stepped, held, dead, dropped, drained,
                         token_read, token, writer)
    SELECT at_shard, read.batch + 1, read.n, read.n, read.numbers, read.numbers, h.numbers, 0, 0, 0, 0, 0,
           read.token, new_token, who
    FROM heads h WHERE h.shard = at_shard;
    UPDATE cursors c SET batch = read.batch + 1, token = new_token, writer = who, draining = true,
                         at = clock_timestamp()
    WHERE c.shard = at_shard;
    RETURN present;
END $$;

DO $$
DECLARE
    signature regprocedure;
BEGIN
    GRANT CREATE ON SCHEMA public TO foliot_service;
    FOR signature IN
        SELECT p.oid FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.proname ~ '^repair_'
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', signature);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO foliot_front, foliot_service', signature);
        EXECUTE format('ALTER FUNCTION %s OWNER TO foliot_service', signature);
    END LOOP;
    REVOKE CREATE ON SCHEMA public FROM foliot_service;
END $$;
