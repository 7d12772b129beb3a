-- The statements of one step transaction, in the order in which they run.

-- name: find_work
-- in: nothing
-- out: shard, numbers of the head, numbers of the cursor, the last writer, milliseconds since it wrote
-- locks: nothing
-- index: none; heads and cursors have one row a shard
SELECT h.shard, h.numbers, c.numbers, c.writer,
       (extract(epoch FROM clock_timestamp() - c.at) * 1000)::float8
FROM heads h JOIN cursors c ON c.shard = h.shard
WHERE h.numbers <> c.numbers OR c.draining

-- name: lock_cursors
-- in: shards, sorted
-- out: the cursor of each shard that nobody else holds, and the database's clock in microseconds
-- locks: those cursor rows, FOR UPDATE, until the commit
-- index: cursors_pkey
SELECT shard, numbers, n, batch, outbox, token, draining,
       (extract(epoch FROM clock_timestamp()) * 1000000)::int8
FROM cursors WHERE shard = ANY (%(shards)s::int2[])
ORDER BY shard FOR UPDATE SKIP LOCKED

-- name: limit_waits
-- in: milliseconds, as text
-- out: nothing that matters; until it is said anew, this transaction waits for a lock no longer
-- locks: nothing
-- index: none
SELECT set_config('lock_timeout', %(ms)s::text, true)

-- name: await_cursors
-- in: shards, sorted
-- out: as lock_cursors, but each of the shards: whoever holds one is waited for, and gives it to us and nobody else
-- locks: those cursor rows, FOR UPDATE, until the commit
-- index: cursors_pkey
SELECT shard, numbers, n, batch, outbox, token, draining,
       (extract(epoch FROM clock_timestamp()) * 1000000)::int8
FROM cursors WHERE shard = ANY (%(shards)s::int2[])
ORDER BY shard FOR UPDATE

-- name: read_cursors
-- in: shards, sorted
-- out: as lock_cursors
-- locks: nothing: what a test gets that switches the lock off
-- index: cursors_pkey
SELECT shard, numbers, n, batch, outbox, token, draining,
       (extract(epoch FROM clock_timestamp()) * 1000000)::int8
FROM cursors WHERE shard = ANY (%(shards)s::int2[])
ORDER BY shard

-- name: read_heads
-- in: shards
-- out: shard, numbers; read after the lock, so that what was committed before it is seen
-- locks: nothing
-- index: heads_pkey
SELECT shard, numbers FROM heads WHERE shard = ANY (%(shards)s::int2[])

-- name: read_inbox
-- in: ranges of numbers: shards, queues, firsts (exclusive), lasts (inclusive), as parallel arrays
-- out: the events of those ranges
-- locks: nothing
-- index: inbox_pkey, inbox_late_pkey; one probe a range and segment
SELECT e.shard, e.queue, e.number, e.tenant, e.machine, e.key, e.kind, e.event_id, e.source, e.type, e.time,
       e.data, e.traceparent, e.instance, e.timer, e.armed
FROM unnest(%(shards)s::int2[], %(queues)s::int2[], %(firsts)s::int8[], %(lasts)s::int8[])
     AS r (shard, queue, first, last)
CROSS JOIN LATERAL (
    SELECT i.shard, i.queue, i.number, i.tenant, i.machine, i.key, i.kind, i.event_id, i.source, i.type, i.time,
           i.data, i.traceparent, i.instance, i.timer, i.armed
    FROM inbox i
    WHERE i.segment = ANY ('{0,1,2,3}'::int2[])
      AND i.shard = r.shard AND i.queue = r.queue AND i.number > r.first AND i.number <= r.last
    UNION ALL
    SELECT l.shard, l.queue, l.number, l.tenant, l.machine, l.key, l.kind, l.event_id, l.source, l.type, l.time,
           l.data, l.traceparent, l.instance, l.timer, l.armed
    FROM inbox_late l
    WHERE l.shard = r.shard AND l.queue = r.queue AND l.number > r.first AND l.number <= r.last
) e

-- name: read_ahead
-- in: shards, whether or not their cursor rows could be locked; count, few
-- out: as read_inbox, all of each queue that has work and no more than `count` events, and the first `few` of any other;
--      with each event the instance that lives at its address, in the columns of load_instances from its id on, or nulls
-- locks: nothing; what belongs to a cursor that is held cannot change
-- index: heads_pkey, cursors_pkey, inbox_pkey, inbox_late_pkey, instances_address
SELECT e.*, n.*
FROM unnest(%(shards)s::int2[]) AS s (shard)
JOIN heads h ON h.shard = s.shard
JOIN cursors c ON c.shard = s.shard
CROSS JOIN generate_series(0, 7) AS q (queue)
CROSS JOIN LATERAL (
    SELECT CASE WHEN h.numbers[q.queue + 1] - c.numbers[q.queue + 1] <= %(count)s::int8
           THEN h.numbers[q.queue + 1] ELSE c.numbers[q.queue + 1] + %(few)s::int8 END
) AS r (last)
CROSS JOIN LATERAL (
    SELECT i.shard, i.queue, i.number, i.tenant, i.machine, i.key, i.kind, i.event_id, i.source, i.type, i.time,
           i.data, i.traceparent, i.instance, i.timer, i.armed
    FROM inbox i
    WHERE i.segment = ANY ('{0,1,2,3}'::int2[]) AND i.shard = s.shard AND i.queue = q.queue
      AND i.number > c.numbers[q.queue + 1] AND i.number <= r.last
    UNION ALL
    SELECT l.shard, l.queue, l.number, l.tenant, l.machine, l.key, l.kind, l.event_id, l.source, l.type, l.time,
           l.data, l.traceparent, l.instance, l.timer, l.armed
    FROM inbox_late l
    WHERE l.shard = s.shard AND l.queue = q.queue
      AND l.number > c.numbers[q.queue + 1] AND l.number <= r.last
) e
LEFT JOIN LATERAL (
    SELECT i.id, i.channel, i.placed, i.version, i.semantics, i.position, i.n, i.mode, i.state, i.note
    FROM instances i
    WHERE i.shard = e.shard AND i.tenant = e.tenant AND i.machine = e.machine AND i.key = e.key AND NOT i.released
    OFFSET 0 -- keeps this a probe of its own
) n ON true
WHERE r.last > c.numbers[q.queue + 1]

-- name: read_held
-- in: shards (draining ones), count
-- out: as read_inbox, and the instance that holds; the first events of draining instances
-- locks: nothing
-- index: instances_not_running, held_pkey
SELECT e.shard, e.queue, e.number, e.tenant, e.machine, e.key, e.kind, e.event_id, e.source, e.type, e.time,
       e.data, e.traceparent, e.instance, e.timer, e.armed, e.holder
FROM instances i
CROSS JOIN LATERAL (
    SELECT * FROM held h WHERE h.shard = i.shard AND h.holder = i.id
    ORDER BY h.queue, h.number LIMIT %(count)s
) e
WHERE i.shard = ANY (%(shards)s::int2[]) AND i.mode = 'draining'
LIMIT %(count)s

-- name: count_held
-- in: shards
-- out: shard, instance, events that it still holds; instances that drain
-- locks: nothing
-- index: instances_not_running, held_pkey
SELECT i.shard, i.id, (SELECT count(*) FROM held h WHERE h.shard = i.shard AND h.holder = i.id)
FROM instances i WHERE i.shard = ANY (%(shards)s::int2[]) AND i.mode = 'draining'

-- name: load_instances
-- in: addresses: shards, tenants, machines, keys, as parallel arrays
-- out: the living instance of each address that has one
-- locks: nothing; the shard's cursor row is held
-- index: instances_address
SELECT i.shard, i.tenant, i.machine, i.key, i.id, i.channel, i.placed, i.version, i.semantics, i.position, i.n,
       i.mode, i.state, i.note
FROM unnest(%(shards)s::int2[], %(tenants)s::int4[], %(machines)s::int4[], %(keys)s::text[])
     AS a (shard, tenant, machine, key)
JOIN instances i ON i.shard = a.shard AND i.tenant = a.tenant AND i.machine = a.machine AND i.key = a.key
     AND NOT i.released

-- name: insert_instances
-- in: new instances, as parallel arrays
-- out: nothing
-- locks: the new rows
-- index: none; instances_pkey and instances_address grow
INSERT INTO instances (shard, id, tenant, machine, key, channel, placed, version, semantics, position, n, mode, state,
                       note)
SELECT * FROM unnest(
    %(shards)s::int2[], %(ids)s::int8[], %(tenants)s::int4[], %(machines)s::int4[], %(keys)s::text[],
    %(channels)s::text[], %(placed)s::int8[], %(versions)s::int4[], %(semantics)s::int4[], %(positions)s::int8[],
    %(ns)s::int8[], %(modes)s::text[], %(states)s::text[], %(notes)s::text[])

-- name: update_instances
-- in: changed instances, as parallel arrays
-- out: nothing; fails as a conflict where one is not there
-- locks: those rows
-- index: none; the function rides instances_pkey
SELECT update_instances(
    %(shards)s::int2[], %(ids)s::int8[], %(placed)s::int8[], %(versions)s::int4[], %(semantics)s::int4[],
    %(positions)s::int8[], %(ns)s::int8[], %(modes)s::text[], %(states)s::text[], %(notes)s::text[])

-- name: insert_journal
-- in: journal rows, as parallel arrays; the step's clock (`at`) in microseconds
-- out: nothing
-- locks: the new rows
-- index: none; journal_pkey grows at the end of each shard
SELECT insert_journal(
    %(shards)s::int2[], %(ns)s::int8[], %(tenants)s::int4[], %(instances)s::int8[], %(positions)s::int8[],
    %(previous)s::int8[], %(kinds)s::int2[], %(outcomes)s::int2[], %(versions)s::int4[], %(semantics)s::int4[],
    %(queues)s::int2[], %(numbers)s::int8[], %(event_ids)s::text[], %(sources)s::text[], %(types)s::text[],
    %(times)s::text[], %(data)s::text[], %(traceparents)s::text[], %(timers)s::text[], %(armed)s::int8[],
    %(transitions)s::bytea[], %(state_hashes)s::bytea[], %(states)s::text[], %(details)s::text[], %(at)s::int8)

-- name: insert_outbox
-- in: messages, as parallel arrays
-- out: nothing
-- locks: the new rows
-- index: rings_pkey; outbox_pkey of the written segment grows
INSERT INTO outbox (segment, shard, number, tenant, machine, key, n, id, topic, body, traceparent)
SELECT r.segment, u.*
FROM rings r, unnest(
    %(shards)s::int2[], %(numbers)s::int8[], %(tenants)s::int4[], %(machines)s::int4[], %(keys)s::text[],
    %(ns)s::int8[], %(ids)s::text[], %(topics)s::text[], %(bodies)s::text[], %(traceparents)s::text[]) u
WHERE r.name = 'outbox'

-- name: insert_held
-- in: events that an instance keeps because it is not running, as parallel arrays
-- out: nothing
-- locks: the new rows
-- index: none; held_pkey grows
INSERT INTO held (shard, queue, number, tenant, machine, key, kind, event_id, source, type, time, data, traceparent,
                  instance, timer, armed, holder)
SELECT * FROM unnest(
    %(shards)s::int2[], %(queues)s::int2[], %(numbers)s::int8[], %(tenants)s::int4[], %(machines)s::int4[],
    %(keys)s::text[], %(kinds)s::int2[], %(event_ids)s::text[], %(sources)s::text[], %(types)s::text[],
    %(times)s::text[], %(data)s::text[], %(traceparents)s::text[], %(instances)s::int8[], %(timers)s::text[],
    %(armed)s::int8[], %(holders)s::int8[])

-- name: delete_held
-- in: held events that were stepped: shards, holders, queues, numbers, as parallel arrays
-- out: nothing; the row count must equal the arrays' length
-- locks: those rows
-- index: held_pkey
DELETE FROM held h
USING unnest(%(shards)s::int2[], %(holders)s::int8[], %(queues)s::int2[], %(numbers)s::int8[])
      AS u (shard, holder, queue, number)
WHERE h.shard = u.shard AND h.holder = u.holder AND h.queue = u.queue AND h.number = u.number

-- name: delete_timers
-- in: timers that a step cancelled: shards, instances, timers, armed, as parallel arrays
-- out: nothing; a row may have been fired already
-- locks: those rows
-- index: timers_pkey; one probe a timer and segment
DELETE FROM timers t
USING unnest(%(shards)s::int2[], %(instances)s::int8[], %(timers)s::text[], %(armed)s::int8[])
      AS u (shard, instance, timer, armed)
WHERE t.segment = ANY ('{0,1,2,3}'::int2[])
  AND t.shard = u.shard AND t.instance = u.instance AND t.timer = u.timer AND t.armed = u.armed

-- name: delete_timers_late
-- in: as delete_timers
-- out: nothing
-- locks: those rows
-- index: timers_late_pkey
DELETE FROM timers_late t
USING unnest(%(shards)s::int2[], %(instances)s::int8[], %(timers)s::text[], %(armed)s::int8[])
      AS u (shard, instance, timer, armed)
WHERE t.shard = u.shard AND t.instance = u.instance AND t.timer = u.timer AND t.armed = u.armed

-- name: insert_timers
-- in: armed timers, as parallel arrays; `due` in microseconds
-- out: nothing
-- locks: the new rows
-- index: rings_pkey; timers_pkey and timers_due of the written segment grow
INSERT INTO timers (segment, shard, instance, timer, armed, due, ordinal, tenant, machine, key, queue, type, data,
                    traceparent)
SELECT r.segment, u.shard, u.instance, u.timer, u.armed, 'epoch'::timestamptz + u.due * interval '1 microsecond',
       u.ordinal, u.tenant, u.machine, u.key, u.queue, u.type, u.data, u.traceparent
FROM rings r, unnest(
    %(shards)s::int2[], %(instances)s::int8[], %(timers)s::text[], %(armed)s::int8[], %(due)s::int8[],
    %(ordinals)s::int2[], %(tenants)s::int4[], %(machines)s::int4[], %(keys)s::text[], %(queues)s::int2[], %(types)s::text[],
    %(data)s::text[], %(traceparents)s::text[])
    AS u (shard, instance, timer, armed, due, ordinal, tenant, machine, key, queue, type, data, traceparent)
WHERE r.name = 'timers'

-- name: insert_batches
-- in: one row a shard, as parallel arrays; arrays of numbers as their text
-- out: nothing
-- locks: the new rows
-- index: none; batches_pkey grows
INSERT INTO batches (shard, batch, n_before, n_after, before, after, heads, stepped, held, dead, dropped, drained,
                     token_read, token, writer)
SELECT shard, batch, n_before, n_after, before::int8[], after::int8[], heads::int8[], stepped, held, dead, dropped,
       drained, token_read, token, %(writer)s
FROM unnest(
    %(shards)s::int2[], %(batches)s::int8[], %(n_before)s::int8[], %(n_after)s::int8[], %(before)s::text[],
    %(after)s::text[], %(heads)s::text[], %(stepped)s::int4[], %(held)s::int4[], %(dead)s::int4[],
    %(dropped)s::int4[], %(drained)s::int4[], %(tokens_read)s::bytea[], %(tokens)s::bytea[])
    AS u (shard, batch, n_before, n_after, before, after, heads, stepped, held, dead, dropped, drained, token_read,
          token)

-- name: move_cursors
-- in: one row a shard, as parallel arrays: where its cursor goes, the token that was read and the new one
-- out: nothing; fails as a conflict where somebody else has written the shard
-- locks: the cursor rows, held already
-- index: cursors_pkey
WITH moved AS (
UPDATE cursors c
SET numbers = u.numbers::int8[], n = u.n, batch = u.batch, outbox = u.outbox, token = u.token, writer = %(writer)s,
    draining = u.draining, at = clock_timestamp()
FROM unnest(
    %(shards)s::int2[], %(numbers)s::text[], %(ns)s::int8[], %(batches)s::int8[], %(outboxes)s::int8[],
    %(tokens)s::bytea[], %(tokens_read)s::bytea[], %(draining)s::bool[])
    AS u (shard, numbers, n, batch, outbox, token, token_read, draining)
WHERE c.shard = u.shard AND c.token = u.token_read
RETURNING 1
)
SELECT expect_rows('cursors', (SELECT count(*) FROM moved), cardinality(%(shards)s::int2[]))
