-- The statements of the sweeps. Candidates are chosen without locks, locked in the global order, and looked at again.

-- name: due_timers
-- in: count
-- out: the keys of timers whose time has come, the oldest first, those of one moment in the order of arming, and whether
--      each lies in timers_late
-- locks: nothing
-- index: timers_due, timers_late_due; the moment of the statement, since a clock that runs on cannot be looked up
(SELECT shard, instance, timer, armed, due, false AS late, ordinal FROM timers
 WHERE due <= statement_timestamp() ORDER BY due, shard, instance, armed, ordinal LIMIT %(count)s)
UNION ALL
(SELECT shard, instance, timer, armed, due, true, ordinal FROM timers_late
 WHERE due <= statement_timestamp() ORDER BY due, shard, instance, armed, ordinal LIMIT %(count)s)
ORDER BY due, shard, instance, armed, ordinal LIMIT %(count)s

-- name: take_timers
-- in: keys, as parallel arrays
-- out: the timers that are still there and that nobody else holds
-- locks: those rows, FOR UPDATE; never waits
-- index: timers_pkey; one probe a timer and segment
SELECT t.shard, t.instance, t.timer, t.armed, t.tenant, t.machine, t.key, t.queue, t.type, t.data, t.traceparent, t.due,
       t.ordinal
FROM unnest(%(shards)s::int2[], %(instances)s::int8[], %(timers)s::text[], %(armed)s::int8[])
     AS u (shard, instance, timer, armed)
JOIN timers t ON t.segment = ANY ('{0,1,2,3}'::int2[]) AND t.shard = u.shard AND t.instance = u.instance
     AND t.timer = u.timer AND t.armed = u.armed
FOR UPDATE OF t SKIP LOCKED

-- name: take_timers_late
-- in: keys, as parallel arrays
-- out: as take_timers
-- locks: those rows, FOR UPDATE; never waits
-- index: timers_late_pkey
SELECT t.shard, t.instance, t.timer, t.armed, t.tenant, t.machine, t.key, t.queue, t.type, t.data, t.traceparent, t.due,
       t.ordinal
FROM unnest(%(shards)s::int2[], %(instances)s::int8[], %(timers)s::text[], %(armed)s::int8[])
     AS u (shard, instance, timer, armed)
JOIN timers_late t ON t.shard = u.shard AND t.instance = u.instance AND t.timer = u.timer AND t.armed = u.armed
FOR UPDATE OF t SKIP LOCKED

-- name: idle_shards
-- in: milliseconds
-- out: shards with work that nobody has written for that long, and whether some of it is critical or high
-- locks: nothing
-- index: none; heads and cursors have one row a shard
SELECT h.shard, h.numbers[1:4] <> c.numbers[1:4]
FROM heads h JOIN cursors c ON c.shard = h.shard
WHERE (h.numbers <> c.numbers OR c.draining) AND c.at < clock_timestamp() - %(ms)s * interval '1 millisecond'

-- name: end_frozen
-- in: seconds
-- out: what was ended: process id and application
-- locks: nothing; ends sessions of this role that sit idle inside a hot transaction for longer, or that wait for their
--        client in the midst of a pipeline or of an answer, where no time-out reaches them
-- index: none
SELECT pid, application_name, pg_terminate_backend(pid)
FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
  AND (state = 'idle in transaction' OR (state = 'active' AND wait_event_type = 'Client'))
  AND state_change < clock_timestamp() - %(seconds)s * interval '1 second'
  AND (application_name LIKE 'foliot-step %%' OR application_name LIKE 'foliot-ingest%%'
       OR application_name LIKE 'foliot-sweep%%')

-- name: try_ring_lock
-- in: nothing
-- out: whether this session may turn rings
-- locks: an advisory lock until the commit
-- index: none
SELECT pg_try_advisory_xact_lock(hashtext('foliot.rings'))

-- name: read_rings
-- in: nothing
-- out: name, written segment, segments, whether the next one is empty, its age in seconds
-- locks: nothing
-- index: none; one row a ring
SELECT name, segment, segments, ready, extract(epoch FROM clock_timestamp() - rotated_at)::float8 FROM rings

-- name: lock_all_heads
-- in: nothing
-- out: nothing
-- locks: every head row, FOR UPDATE, in order
-- index: heads_pkey
SELECT shard FROM heads ORDER BY shard FOR UPDATE

-- name: turn_heads
-- in: segment
-- out: nothing
-- locks: every head row, held already
-- index: none
UPDATE heads SET segment = %(segment)s

-- name: turn_ring
-- in: name, segment
-- out: nothing
-- locks: the ring's row
-- index: rings_pkey
UPDATE rings SET segment = %(segment)s, ready = false, rotated_at = clock_timestamp() WHERE name = %(name)s

-- name: ring_ready
-- in: name
-- out: nothing
-- locks: the ring's row
-- index: rings_pkey
UPDATE rings SET ready = true WHERE name = %(name)s

-- name: lagging_shards
-- in: segment
-- out: shards that still have events of that segment before them
-- locks: nothing
-- index: inbox_pkey; one probe a (shard, queue)
SELECT DISTINCT c.shard
FROM cursors c
CROSS JOIN generate_series(0, 7) AS q (queue)
CROSS JOIN LATERAL (
    SELECT FROM inbox
    WHERE segment = %(segment)s AND shard = c.shard AND queue = q.queue AND number > c.numbers[q.queue + 1]
    LIMIT 1
) waiting
ORDER BY c.shard

-- name: wait_for_cursors
-- in: shards, sorted
-- out: nothing
-- locks: those cursor rows, FOR UPDATE
-- index: cursors_pkey
SELECT shard FROM cursors WHERE shard = ANY (%(shards)s::int2[]) ORDER BY shard FOR UPDATE

-- name: keep_inbox
-- in: segment, shards whose cursor rows are held
-- out: nothing
-- locks: the new rows of inbox_late
-- index: inbox_pkey; one probe a (shard, queue)
INSERT INTO inbox_late (shard, queue, number, tenant, machine, key, kind, event_id, source, type, time, data, traceparent,
                        instance, timer, armed, at)
SELECT i.shard, i.queue, i.number, i.tenant, i.machine, i.key, i.kind, i.event_id, i.source, i.type, i.time, i.data,
       i.traceparent, i.instance, i.timer, i.armed, i.at
FROM cursors c
CROSS JOIN generate_series(0, 7) AS q (queue)
CROSS JOIN LATERAL (
    SELECT * FROM inbox
    WHERE segment = %(segment)s AND shard = c.shard AND queue = q.queue AND number > c.numbers[q.queue + 1]
    OFFSET 0 -- keeps this a probe of its own
) i
WHERE c.shard = ANY (%(shards)s::int2[])

-- name: lock_relays
-- in: nothing
-- out: nothing
-- locks: every relay row, FOR UPDATE, in order
-- index: relays_pkey
SELECT shard FROM relays ORDER BY shard FOR UPDATE

-- name: keep_outbox
-- in: segment
-- out: nothing
-- locks: the new rows of outbox_late
-- index: outbox_pkey; one probe a shard
INSERT INTO outbox_late (shard, number, tenant, machine, key, n, id, topic, body, traceparent, at)
SELECT o.shard, o.number, o.tenant, o.machine, o.key, o.n, o.id, o.topic, o.body, o.traceparent, o.at
FROM relays r
CROSS JOIN LATERAL (
    SELECT * FROM outbox WHERE segment = %(segment)s AND shard = r.shard AND number > r.sent
    OFFSET 0 -- keeps this a probe of its own
) o

-- name: keep_timers
-- in: segment
-- out: nothing
-- locks: the moved rows
-- index: timers_pkey; the segment is read whole, since all of it moves
WITH moved AS (DELETE FROM timers WHERE segment = %(segment)s RETURNING *)
INSERT INTO timers_late (shard, instance, timer, armed, due, ordinal, tenant, machine, key, queue, type, data,
                         traceparent)
SELECT shard, instance, timer, armed, due, ordinal, tenant, machine, key, queue, type, data, traceparent FROM moved

-- name: short_lock_timeout
-- in: nothing
-- out: nothing
-- locks: nothing; for the rest of the transaction no lock is waited for longer than 100 ms, and a copy may take its time:
--        one that is cut off after 5 s, as other statements are, would begin anew for ever
-- index: none
SELECT set_config('lock_timeout', '100ms', true), set_config('statement_timeout', '10min', true)

-- name: lock_segment
-- in: ring, segment
-- out: nothing
-- locks: the segment, ACCESS EXCLUSIVE, until the commit
-- index: none
SELECT lock_segment(%(ring)s, %(segment)s)

-- name: empty_segment
-- in: ring, segment
-- out: nothing
-- locks: the segment, ACCESS EXCLUSIVE, until the commit
-- index: none; TRUNCATE
SELECT empty_segment(%(ring)s, %(segment)s)

-- name: clear_inbox_late
-- in: nothing
-- out: nothing
-- locks: the deleted rows, which cursors have passed
-- index: inbox_late_pkey; every shard of it is read whole: it has only what lagging shards left, and most of that goes
DELETE FROM inbox_late l USING cursors c WHERE c.shard = l.shard AND l.number <= c.numbers[l.queue + 1]

-- name: clear_outbox_late
-- in: nothing
-- out: nothing
-- locks: the deleted rows, which were confirmed
-- index: outbox_late_pkey; every shard of it is read whole: it has only what was unsent, and most of that goes
DELETE FROM outbox_late l USING relays r WHERE r.shard = l.shard AND l.number <= r.sent
