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

-- name: keep_inbox
-- in: segment, which nobody writes any more; count
-- out: nothing; as many of its events that no cursor has passed are moved at most
-- locks: the moved rows
-- index: inbox_pkey; one probe a (shard, queue)
WITH moved AS (
    DELETE FROM inbox WHERE segment = %(segment)s AND ctid = ANY (ARRAY(
        SELECT i.ctid
        FROM cursors c
        CROSS JOIN generate_series(0, 7) AS q (queue)
        CROSS JOIN LATERAL (
            SELECT inbox.ctid FROM inbox
            WHERE segment = %(segment)s AND shard = c.shard AND queue = q.queue AND number > c.numbers[q.queue + 1]
            LIMIT %(count)s -- keeps this a probe of its own
        ) i
        LIMIT %(count)s))
    RETURNING *
)
INSERT INTO inbox_late (shard, queue, number, tenant, machine, key, kind, event_id, source, type, time, data, traceparent,
                        instance, timer, armed, at)
SELECT shard, queue, number, tenant, machine, key, kind, event_id, source, type, time, data, traceparent, instance,
       timer, armed, at
FROM moved

-- name: keep_outbox
-- in: segment, which nobody writes any more; count
-- out: nothing; as many of its messages that are not confirmed are moved at most
-- locks: the moved rows
-- index: outbox_pkey; one probe a shard
WITH moved AS (
    DELETE FROM outbox WHERE segment = %(segment)s AND ctid = ANY (ARRAY(
        SELECT o.ctid
        FROM relays r
        CROSS JOIN LATERAL (
            SELECT outbox.ctid FROM outbox WHERE segment = %(segment)s AND shard = r.shard AND number > r.sent
            LIMIT %(count)s -- keeps this a probe of its own
        ) o
        LIMIT %(count)s))
    RETURNING *
)
INSERT INTO outbox_late (shard, number, tenant, machine, key, n, id, topic, body, traceparent, at)
SELECT shard, number, tenant, machine, key, n, id, topic, body, traceparent, at FROM moved

-- name: keep_timers
-- in: segment, which nobody writes any more; count
-- out: nothing; as many of its timers are moved at most
-- locks: the moved rows; never waits for others
-- index: timers_pkey; the segment from its beginning, since all of it moves
WITH moved AS (
    DELETE FROM timers WHERE segment = %(segment)s AND ctid = ANY (ARRAY(
        SELECT ctid FROM timers WHERE segment = %(segment)s LIMIT %(count)s FOR UPDATE SKIP LOCKED))
    RETURNING *
)
INSERT INTO timers_late (shard, instance, timer, armed, due, ordinal, tenant, machine, key, queue, type, data,
                         traceparent)
SELECT shard, instance, timer, armed, due, ordinal, tenant, machine, key, queue, type, data, traceparent FROM moved

-- name: short_lock_timeout
-- in: nothing
-- out: nothing
-- locks: nothing; for the rest of the transaction no lock is waited for longer than 100 ms, and a portion may take its
--        time: one of large rows that is cut off after 5 s, as other statements are, would begin anew for ever
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
-- in: count
-- out: nothing; as many rows that cursors have passed are deleted at most
-- locks: the deleted rows
-- index: inbox_late_pkey; one probe a (shard, queue)
DELETE FROM inbox_late WHERE ctid = ANY (ARRAY(
    SELECT l.ctid
    FROM cursors c
    CROSS JOIN generate_series(0, 7) AS q (queue)
    CROSS JOIN LATERAL (
        SELECT inbox_late.ctid FROM inbox_late
        WHERE shard = c.shard AND queue = q.queue AND number <= c.numbers[q.queue + 1]
        LIMIT %(count)s -- keeps this a probe of its own
    ) l
    LIMIT %(count)s))

-- name: clear_outbox_late
-- in: count
-- out: nothing; as many rows that were confirmed are deleted at most
-- locks: the deleted rows
-- index: outbox_late_pkey; one probe a shard
DELETE FROM outbox_late WHERE ctid = ANY (ARRAY(
    SELECT l.ctid
    FROM relays r
    CROSS JOIN LATERAL (
        SELECT outbox_late.ctid FROM outbox_late WHERE shard = r.shard AND number <= r.sent
        LIMIT %(count)s -- keeps this a probe of its own
    ) l
    LIMIT %(count)s))

-- name: alarm_stuck_ring
-- in: name of a ring, seconds that it may stand still, what, writer
-- out: nothing; an alarm where it has stood longer, at most one an hour
-- locks: the new row
-- index: alarms_pkey; from its end, and one row a ring
INSERT INTO alarms (code, what, writer)
SELECT 'ring_stuck', %(what)s, %(writer)s FROM rings
WHERE name = %(name)s AND rotated_at < clock_timestamp() - %(seconds)s * interval '1 second'
  AND NOT EXISTS (
    SELECT FROM (SELECT code, what, at FROM alarms ORDER BY id DESC LIMIT 1000) a
    WHERE a.code = 'ring_stuck' AND a.what = %(what)s AND a.at > clock_timestamp() - interval '1 hour')
