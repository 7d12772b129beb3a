-- What the front doors ask: under row-level security, or by functions that look to the session's tenant.

-- name: set_tenant
-- in: tenant
-- out: nothing that matters; holds until the end of the transaction
-- locks: nothing
-- index: none
SELECT set_config('app.tenant', %(tenant)s::text, true)

-- name: role
-- in: nothing
-- out: whether row-level security binds this role, as far as the role itself is concerned
-- locks: nothing
-- index: none; the catalog's own
SELECT NOT (r.rolsuper OR r.rolbypassrls)
       AND NOT pg_has_role((SELECT relowner FROM pg_class WHERE oid = 'journal'::regclass), 'MEMBER')
       AND NOT pg_has_role('foliot_service', 'MEMBER')
FROM pg_roles r WHERE r.rolname = current_user

-- name: key
-- in: id of an API key
-- out: tenant, its slug, hash, scopes, when it expires, when it was revoked
-- locks: nothing
-- index: none; the function rides api_keys_pkey
SELECT tenant, slug, hash, scopes, expires_at <= clock_timestamp(), revoked_at IS NOT NULL FROM front_key(%(id)s)

-- name: tenant
-- in: slug
-- out: its number, null where there is no such tenant
-- locks: nothing
-- index: none
SELECT front_tenant_number(%(slug)s)

-- name: has_keys
-- in: nothing
-- out: whether there is a key that opens anything
-- locks: nothing
-- index: none
SELECT front_has_keys()

-- name: catalog
-- in: nothing; the session's tenant
-- out: revision, semantics, shards, secret, map epoch, slug, tenant, machines, channels
-- locks: nothing
-- index: none; small tables
SELECT revision, semantics, shards, secret, map_epoch, slug, tenant, machines, channels FROM front_catalog()

-- name: routing
-- in: a topic
-- out: the tenant that it is bound to, null for none and 0 for another than the session's; as JSON the session's tenant's
--      routes for it, as registry.read_catalog has them
-- locks: nothing
-- index: none; few rows
SELECT registry_topic(%(topic)s),
       (SELECT coalesce(json_agg(json_build_array(r.tenant, t.slug, r.name, r.topic, r.definition, s.schema)
                                 ORDER BY r.ordinal, t.slug, r.name), '[]')
        FROM routes r JOIN tenants t ON t.number = r.tenant
        LEFT JOIN schemas s ON s.tenant = r.tenant AND s.name = r.definition::json ->> 'schema'
        WHERE r.enabled AND r.topic = %(topic)s)

-- name: take_in
-- in: as intake.take_in, without tenants
-- out: as intake.take_in
-- locks: as intake.take_in
-- index: none; the function rides heads_pkey and dedupe_pkey
SELECT given, reused, accepted FROM front_take_in(
    %(revision)s::int8, %(claims)s::bytea[], %(hashes)s::bytea[], %(shards)s::int2[], %(queues)s::int2[],
    %(machines)s::int4[], %(keys)s::text[], %(event_ids)s::text[], %(sources)s::text[], %(types)s::text[],
    %(times)s::text[], %(data)s::text[], %(traceparents)s::text[])

-- name: take_in_alone
-- in: as take_in, and the tenant whose events they are, which holds for this statement alone
-- out: as intake.take_in
-- locks: as intake.take_in
-- index: none; the function rides heads_pkey and dedupe_pkey
WITH said AS MATERIALIZED (
    -- The revision goes by here so that the function cannot run before the tenant is set; else it would refuse.
    SELECT set_config('app.tenant', %(tenant)s::text, true), %(revision)s::int8 AS revision
)
SELECT t.given, t.reused, t.accepted FROM said CROSS JOIN LATERAL front_take_in(
    said.revision, %(claims)s::bytea[], %(hashes)s::bytea[], %(shards)s::int2[], %(queues)s::int2[],
    %(machines)s::int4[], %(keys)s::text[], %(event_ids)s::text[], %(sources)s::text[], %(types)s::text[],
    %(times)s::text[], %(data)s::text[], %(traceparents)s::text[]) t

-- name: places
-- in: events of the session's tenant: shards, queues, ids and sources, as parallel arrays
-- out: the number of each, null where it is not among the last of its queue
-- locks: nothing
-- index: none; the function rides heads_pkey and inbox_pkey
SELECT front_places(%(shards)s::int2[], %(queues)s::int2[], %(event_ids)s::text[], %(sources)s::text[])

-- name: depth
-- in: nothing
-- out: events that wait
-- locks: nothing
-- index: none; one row a shard
SELECT front_depth()

-- name: list_instances
-- in: tenant, machine; the shard and key after which to go on, number of shards; how many to look at; what to keep of
--     them: mode, version, a state that must be active, values of the context as a JSON object, each null for all; count
-- out: living instances in the order of (shard, key), without their contexts; with each, or alone where none is kept, the
--      shard and key of the last that was looked at, and how many were
-- locks: nothing
-- index: instances_address; one probe a shard, as far as they are needed
WITH looked AS MATERIALIZED (
    SELECT i.*
    FROM generate_series(%(shard)s::int4, %(shards)s::int4 - 1) AS s (shard)
    CROSS JOIN LATERAL (
        SELECT shard, key, id, channel, version, position, n, mode, note, born_at, stepped_at,
               CASE WHEN %(state)s::text IS NOT NULL OR %(context)s::text IS NOT NULL THEN state END AS present
        FROM instances
        WHERE shard = s.shard::int2 AND tenant = %(tenant)s::int4 AND machine = %(machine)s::int4 AND NOT released
          AND key > CASE WHEN s.shard = %(shard)s::int4 THEN %(key)s::text ELSE '' END
        ORDER BY key LIMIT %(looks)s::int4
    ) i
    LIMIT %(looks)s::int4
), kept AS (
    SELECT shard, key, id, channel, version, position, n, mode, note, born_at, stepped_at
    FROM looked
    WHERE (%(mode)s::text IS NULL OR mode = %(mode)s) AND (%(version)s::int4 IS NULL OR version = %(version)s)
      AND (%(context)s::text IS NULL OR present::jsonb -> 'context' @> %(context)s::jsonb)
      -- The leaves stand there, each by the names on the way to it.
      AND (%(state)s::text IS NULL OR EXISTS (
          SELECT FROM jsonb_array_elements_text(present::jsonb -> 'configuration') AS leaf
          WHERE leaf = %(state)s OR starts_with(leaf, %(state)s || '.')))
    ORDER BY shard, key LIMIT %(count)s::int4
)
SELECT e.shard, e.key, e.looks, k.*
FROM (SELECT shard, key, count(*) OVER () AS looks FROM looked ORDER BY shard DESC, key DESC LIMIT 1) e
LEFT JOIN kept k ON true
ORDER BY k.shard, k.key

-- name: list_versions
-- in: machine
-- out: its versions, the first one first, if it is the session's tenant's
-- locks: nothing
-- index: none; few rows
SELECT version, hash, published_by, published_at, deprecated_at FROM versions
WHERE machine = %(machine)s::int4 ORDER BY version

-- name: is_held
-- in: tenant, machine, key; shard, queue, number of an event that the cursor has passed
-- out: a row where the event waits in the hands of its instance
-- locks: nothing
-- index: instances_address, held_pkey
SELECT 1 FROM instances i
JOIN held h ON h.shard = i.shard AND h.holder = i.id AND h.queue = %(queue)s::int2 AND h.number = %(number)s::int8
WHERE i.shard = %(shard)s::int2 AND i.tenant = %(tenant)s::int4 AND i.machine = %(machine)s::int4 AND i.key = %(key)s
  AND NOT i.released

-- name: place_of_letter
-- in: shard, queue, number
-- out: the dead letter that this event became, if it is one
-- locks: nothing
-- index: dead_letters_place
SELECT id, stage FROM dead_letters
WHERE shard = %(shard)s::int2 AND queue = %(queue)s::int2 AND number = %(number)s::int8
ORDER BY id DESC LIMIT 1
