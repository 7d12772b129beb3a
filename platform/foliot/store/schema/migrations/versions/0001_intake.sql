-- Intake: the one way into the inbox for events from outside. Locks, looks and writes are one call, so that heads are
-- held over no round trip, and so that the front doors can bring events in without a grant on any table of the shards.

-- in: the registry's revision by which the events were routed; the events in the order of their arrival, no claim twice,
--     as parallel arrays. A claim says what makes an event the same event: see foliot.runtime.claims. at_front: whether
--     a front door brings them, whose callers wait for the commit.
-- out: given: the number of each event in its (shard, queue), null where its claim was there before
--      reused: places (from 1) of claims that were there with another payload hash; accepted: the hash of each of them
--      beside_front: whether within the last second (foliot.runtime.BRIEF_S) a front door has brought events for one of
--      the shards
-- locks: the heads of the shards, sorted, until the commit. Whoever claims the same locks the same head, so what is not
--        found after that cannot come in between, and claims need no locks of their own.
-- index: heads_pkey; dedupe_pkey, all claims at once in each generation; inbox_pkey grows at the end of each queue
CREATE FUNCTION take_in(
    IN revision int8, IN claims bytea[], IN hashes bytea[], IN shards int2[], IN queues int2[], IN tenants int4[],
    IN machines int4[], IN keys text[], IN event_ids text[], IN sources text[], IN types text[], IN times text[],
    IN data text[], IN traceparents text[], IN at_front bool, OUT given int8[], OUT reused int4[],
    OUT accepted bytea[], OUT beside_front bool
) LANGUAGE plpgsql
-- One plan for ever, by the indexes; a hash join finds the places of what was there, be it the whole batch.
SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off
SET enable_hashjoin = on AS $$
DECLARE
    lately timestamptz := clock_timestamp() - interval '1 second';
    head record;
    last_given int8[];
    segments int2[];
    known int4[];
    place int4;
    slot int4;
BEGIN
    -- It is read after the events were: whatever was published before one was sent is in this revision.
    IF revision <> (SELECT i.revision FROM installation i) THEN
        RAISE EXCEPTION USING ERRCODE = 'FO001', MESSAGE = format('the registry has left revision %s', revision);
    END IF;

    beside_front := false;
    FOR head IN
        SELECT h.shard, h.numbers, h.segment, h.front_at FROM heads h
        WHERE h.shard = ANY (shards) ORDER BY h.shard FOR UPDATE
    LOOP
        last_given[8 * head.shard : 8 * head.shard + 7] := head.numbers;
        segments[head.shard] := head.segment;
        beside_front := beside_front OR coalesce(head.front_at > lately, false);
    END LOOP;

    SELECT array_agg(u.place), array_agg(u.place) FILTER (WHERE d.payload_hash <> u.hash),
           array_agg(d.payload_hash) FILTER (WHERE d.payload_hash <> u.hash)
    INTO known, reused, accepted
    FROM dedupe d
    JOIN unnest(tenants, claims, hashes) WITH ORDINALITY AS u (tenant, claim, hash, place)
      ON u.tenant = d.tenant AND u.claim = d.claim
    WHERE d.generation = ANY ('{0,1,2,3,4}'::int2[]) AND d.tenant = ANY (tenants) AND d.claim = ANY (claims);

    given := array_fill(0::int8, ARRAY[cardinality(claims)]);
    IF known IS NOT NULL THEN
        FOREACH place IN ARRAY known LOOP
            given[place] := NULL;
        END LOOP;
    END IF;
    FOR i IN 1 .. cardinality(claims) LOOP
        IF given[i] IS NOT NULL THEN
            slot := 8 * shards[i] + queues[i];
            last_given[slot] := last_given[slot] + 1;
            given[i] := last_given[slot];
            IF given[i] IS NULL THEN
                RAISE check_violation USING MESSAGE = format('there is no queue %s of shard %s', queues[i], shards[i]);
            END IF;
        END IF;
    END LOOP;

    -- By their places: see 0001_steps.sql.
    INSERT INTO dedupe (generation, tenant, claim, payload_hash)
    SELECT r.segment, tenants[i], claims[i], hashes[i]
    FROM rings r, generate_series(1, cardinality(claims)) AS i
    WHERE r.name = 'dedupe' AND given[i] IS NOT NULL;

    INSERT INTO inbox (segment, shard, queue, number, tenant, machine, key, event_id, source, type, time, data,
                       traceparent)
    SELECT segments[shards[i]], shards[i], queues[i], given[i], tenants[i], machines[i], keys[i], event_ids[i],
           sources[i], types[i], times[i], data[i], traceparents[i]
    FROM generate_series(1, cardinality(claims)) AS i
    WHERE given[i] IS NOT NULL;

    UPDATE heads h SET at = clock_timestamp(), numbers = last_given[8 * h.shard : 8 * h.shard + 7],
                       front_at = CASE WHEN at_front THEN clock_timestamp() ELSE h.front_at END
    WHERE h.shard = ANY (shards);
END $$;

-- in: events as take_in has them, from no front door, and what they came from: records of some partitions, whose offsets
--     move from expected to next. partition_places: for each event the place (from 1) of its partition. doubled: records
--     that were copies of one before them in the batch; dead: records that were set aside.
-- out: given and beside_front as take_in gives them
-- fails: where a claim was there with another payload (FO002; detail: place and hash of each, as JSON); as a conflict
--        where somebody else has moved an offset, unless compare is false, which tests ask for
-- locks: as take_in, then the offset rows, sorted
-- index: as take_in; offsets_pkey; intakes_pkey grows
CREATE FUNCTION take_in_records(
    IN revision int8, IN claims bytea[], IN hashes bytea[], IN shards int2[], IN queues int2[], IN tenants int4[],
    IN machines int4[], IN keys text[], IN event_ids text[], IN sources text[], IN types text[], IN times text[],
    IN data text[], IN traceparents text[], IN partition_places int4[], IN topic_ids text[], IN partitions int4[],
    IN expected int8[], IN nexts int8[], IN doubled int4[], IN dead int4[], IN writer text, IN compare bool,
    OUT given int8[], OUT beside_front bool
) LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    taken record;
    moved int8;
BEGIN
    SELECT t.given, t.reused, t.accepted, t.beside_front INTO taken
    FROM take_in(revision, claims, hashes, shards, queues, tenants, machines, keys, event_ids, sources, types, times,
                 data, traceparents, false) t;
    given := taken.given;
    beside_front := taken.beside_front;
    IF taken.reused IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'FO002', MESSAGE = 'ids were accepted before with other payloads', DETAIL = (
            SELECT json_agg(json_build_array(r.place, encode(r.hash, 'hex')))
            FROM unnest(taken.reused, taken.accepted) AS r (place, hash));
    END IF;

    UPDATE offsets o SET next = u.next, at = clock_timestamp()
    FROM unnest(topic_ids, partitions, expected, nexts) AS u (topic_id, partition, expected, next)
    WHERE o.topic_id = u.topic_id AND o.partition = u.partition AND (o.next = u.expected OR NOT compare);
    GET DIAGNOSTICS moved = ROW_COUNT;
    PERFORM expect_rows('offsets', moved, cardinality(partitions));

    INSERT INTO intakes (topic_id, partition, first, next, accepted, duplicates, dead, writer)
    SELECT u.topic_id, u.partition, u.expected, u.next, t.accepted, t.known + u.doubled, u.dead, writer
    FROM unnest(topic_ids, partitions, expected, nexts, doubled, dead) WITH ORDINALITY
         AS u (topic_id, partition, expected, next, doubled, dead, place)
    CROSS JOIN LATERAL (
        SELECT count(e.number), count(*) - count(e.number)
        FROM unnest(partition_places, given) AS e (place, number) WHERE e.place = u.place
    ) AS t (accepted, known);
END $$;

REVOKE ALL ON FUNCTION take_in, take_in_records FROM PUBLIC;
GRANT EXECUTE ON FUNCTION take_in, take_in_records TO foliot_service;
