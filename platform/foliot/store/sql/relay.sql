-- The statements of the relay: what of the outbox and the journal Kafka has not confirmed yet.

-- name: find_unsent
-- in: changes (whether the journal is announced)
-- out: shards with messages or changes that are not confirmed, the longest waiting first
-- locks: nothing
-- index: none; cursors and relays have one row a shard
SELECT r.shard
FROM relays r JOIN cursors c ON c.shard = r.shard
WHERE c.outbox > r.sent OR (%(changes)s AND c.n > r.changes)
ORDER BY r.at

-- name: lock_relays
-- in: shards
-- out: shard, last message confirmed, last change confirmed, for each shard that no other relay holds
-- locks: those relays rows, FOR UPDATE, until the commit
-- index: relays_pkey
SELECT shard, sent, changes FROM relays WHERE shard = ANY (%(shards)s::int2[])
ORDER BY shard FOR UPDATE SKIP LOCKED

-- name: read_outbox
-- in: shards and the last confirmed number of each, as parallel arrays; count of messages a shard at most
-- out: shard, number, topic, slug of the tenant, body, tenant, machine, key, n, id, traceparent, in the order of shard and
--      number
-- locks: nothing; the relays rows are held
-- index: outbox_pkey, outbox_late_pkey, tenants_pkey, machines_pkey; one probe a shard and segment
SELECT m.shard, m.number, m.topic, t.slug, m.body, m.tenant, a.name, m.key, m.n, m.id, m.traceparent
FROM unnest(%(shards)s::int2[], %(sent)s::int8[]) AS r (shard, sent)
CROSS JOIN LATERAL (
    SELECT * FROM (
        SELECT o.shard, o.number, o.tenant, o.machine, o.key, o.n, o.id, o.topic, o.body, o.traceparent FROM outbox o
        WHERE o.segment = ANY ('{0,1,2,3}'::int2[])
          AND o.shard = r.shard AND o.number > r.sent AND o.number <= r.sent + %(count)s
        UNION ALL
        SELECT l.shard, l.number, l.tenant, l.machine, l.key, l.n, l.id, l.topic, l.body, l.traceparent FROM outbox_late l
        WHERE l.shard = r.shard AND l.number > r.sent AND l.number <= r.sent + %(count)s
    ) both_places
    ORDER BY number LIMIT %(count)s
) m
JOIN tenants t ON t.number = m.tenant
JOIN machines a ON a.number = m.machine
ORDER BY m.shard, m.number

-- name: read_changes
-- in: shards and the last confirmed n of each, as parallel arrays; count of rows a shard at most
-- out: shard, n, time, instance, tenant, machine, key (the address is null where the instance is gone), kind, outcome,
--      position, version, event id, event type, hash of the state, in the order of shard and n
-- locks: nothing; the relays rows are held
-- index: journal_pkey, instances_pkey, tenants_pkey, machines_pkey
SELECT j.shard, j.n, to_char(j.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), j.instance, t.slug, a.name,
       i.key, j.kind, j.outcome, j.position, j.version, j.event_id, j.type, j.state_hash
FROM unnest(%(shards)s::int2[], %(changes)s::int8[]) AS r (shard, changes)
CROSS JOIN LATERAL (
    SELECT g.* FROM journal g WHERE g.shard = r.shard AND g.n > r.changes AND g.n <= r.changes + %(count)s
    ORDER BY g.n LIMIT %(count)s
) j
LEFT JOIN instances i ON i.shard = j.shard AND i.id = j.instance
LEFT JOIN tenants t ON t.number = i.tenant
LEFT JOIN machines a ON a.number = i.machine
ORDER BY j.shard, j.n

-- name: move_relays
-- in: shards, last messages and last changes confirmed, as parallel arrays; writer
-- out: nothing
-- locks: those relays rows, held already
-- index: relays_pkey
UPDATE relays r SET sent = u.sent, changes = u.changes, writer = %(writer)s, at = clock_timestamp()
FROM unnest(%(shards)s::int2[], %(sent)s::int8[], %(changes)s::int8[]) AS u (shard, sent, changes)
WHERE r.shard = u.shard

-- name: insert_alarm
-- in: code, shard, what, writer
-- out: nothing
-- locks: the new row
-- index: none; alarms_pkey grows
INSERT INTO alarms (code, shard, what, writer) VALUES (%(code)s, %(shard)s, %(what)s, %(writer)s)
