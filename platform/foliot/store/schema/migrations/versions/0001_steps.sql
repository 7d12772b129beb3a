-- What a step writes in bulk. Rows come as parallel arrays and are taken apart by their places: PL/pgSQL keeps an array
-- with its elements side by side, where unnest of so many arrays writes each into a store of its own first (journal: 11
-- against 8.5 µs a row). An array that is shorter gives nulls.

-- in: journal rows; the step's clock (`now`) in microseconds
-- locks: the new rows
-- index: journal_pkey grows at the end of each shard
CREATE FUNCTION insert_journal(
    IN shards int2[], IN ns int8[], IN tenants int4[], IN instances int8[], IN positions int8[], IN previous int8[],
    IN kinds int2[], IN outcomes int2[], IN versions int4[], IN semantics int4[], IN queues int2[], IN numbers int8[],
    IN event_ids text[], IN sources text[], IN types text[], IN times text[], IN data text[], IN traceparents text[],
    IN timers text[], IN armed int8[], IN transitions bytea[], IN state_hashes bytea[], IN states text[],
    IN details text[], IN now int8
) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_variable
BEGIN
    INSERT INTO journal (shard, n, tenant, instance, position, previous_n, kind, outcome, version, semantics, queue,
                         number, event_id, source, type, time, data, traceparent, timer, armed, transitions,
                         state_hash, state, detail, at)
    SELECT shards[i], ns[i], tenants[i], instances[i], positions[i], previous[i], kinds[i], outcomes[i], versions[i],
           semantics[i], queues[i], numbers[i], event_ids[i], sources[i], types[i], times[i], data[i],
           traceparents[i], timers[i], armed[i], transitions[i], state_hashes[i], states[i], details[i],
           'epoch'::timestamptz + now * interval '1 microsecond'
    FROM generate_series(1, cardinality(shards)) AS i;
END $$;

-- in: changed instances
-- fails: as a conflict where one is not there
-- locks: those rows
-- index: instances_pkey; no indexed column changes but mode, so the update is heap-only
CREATE FUNCTION update_instances(
    IN shards int2[], IN ids int8[], IN placed int8[], IN versions int4[], IN semantics int4[], IN positions int8[],
    IN ns int8[], IN modes text[], IN states text[], IN notes text[]
) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
    changed int8;
BEGIN
    UPDATE instances o
    SET placed = update_instances.placed[i], version = versions[i], semantics = update_instances.semantics[i],
        position = positions[i], n = ns[i], mode = modes[i], state = states[i], note = notes[i],
        stepped_at = clock_timestamp()
    FROM generate_series(1, cardinality(ids)) AS i
    WHERE o.shard = shards[i] AND o.id = ids[i];
    GET DIAGNOSTICS changed = ROW_COUNT;
    PERFORM expect_rows('instances', changed, cardinality(ids));
END $$;

REVOKE ALL ON FUNCTION insert_journal, update_instances FROM PUBLIC;
GRANT EXECUTE ON FUNCTION insert_journal, update_instances TO foliot_service;
