-- What operators do to single events and instances.

-- name: list_dead_letters
-- in: tenant, status, code and machine, each null for all; the id after which to go on, count
-- out: dead letters in the order of their ids
-- locks: nothing
-- index: dead_letters_pkey
SELECT d.id, t.slug, d.status, d.stage, d.code, d.what, d.place, d.remedy, d.topic, d.partition, d.offset, d.machine,
       d.key, d.event_id, d.source, d.type, d.attempts, d.worker, d.traceparent, d.at, d.ended_at
FROM dead_letters d LEFT JOIN tenants t ON t.number = d.tenant
WHERE (%(tenant)s::int4 IS NULL OR d.tenant = %(tenant)s::int4) AND (%(status)s::text IS NULL OR d.status = %(status)s)
  AND (%(code)s::text IS NULL OR d.code = %(code)s) AND (%(machine)s::text IS NULL OR d.machine = %(machine)s)
  AND d.id > %(after)s
ORDER BY d.id LIMIT %(count)s

-- name: read_dead_letter
-- in: id
-- out: all that is known of it
-- locks: nothing
-- index: dead_letters_pkey
SELECT d.id, d.tenant, t.slug, d.status, d.stage, d.code, d.what, d.place, d.remedy, d.topic_id, d.topic, d.partition,
       d.offset, d.headers, d.raw, d.shard, d.queue, d.number, d.instance, d.machine, d.key, d.event_id, d.source, d.type,
       d.event, d.attempts, d.worker, d.traceparent, d.at, d.ended_at
FROM dead_letters d LEFT JOIN tenants t ON t.number = d.tenant WHERE d.id = %(id)s

-- name: end_dead_letter
-- in: id, status
-- out: nothing; a row count of 0 says that it was ended before
-- locks: that row
-- index: dead_letters_pkey
UPDATE dead_letters SET status = %(status)s, ended_at = clock_timestamp() WHERE id = %(id)s AND status = 'open'

-- name: end_parked
-- in: instance
-- out: nothing
-- locks: the open dead letters of stage park of that instance
-- index: dead_letters_parked
UPDATE dead_letters SET status = 'redriven', ended_at = clock_timestamp()
WHERE status = 'open' AND stage = 'park' AND instance = %(instance)s

-- name: wait_for_cursor
-- in: shard
-- out: its cursor
-- locks: that cursor row, FOR UPDATE
-- index: cursors_pkey
SELECT shard, numbers, n, batch, outbox, token, draining FROM cursors WHERE shard = %(shard)s FOR UPDATE

-- name: load_life
-- in: shard, id
-- out: the instance, as step.load_instances gives it
-- locks: nothing; the shard's cursor row is held
-- index: instances_pkey
SELECT shard, tenant, machine, key, id, channel, placed, version, semantics, position, n, mode, state, note
FROM instances WHERE shard = %(shard)s AND id = %(id)s
