-- The statements of one intake transaction, in the order in which they run (dedupe keys, heads, offsets).

-- name: claim_keys
-- in: the keys of events, as parallel arrays sorted by (shard, tenant, source, id, machine, key)
-- out: nothing; the row count is less than the arrays' length where keys were there
-- locks: the new rows; waits for another transaction that inserts the same key
-- index: rings_pkey; dedupe_pkey of the written generation grows
INSERT INTO dedupe (generation, shard, tenant, source, id, machine, key, payload_hash)
SELECT r.segment, u.* FROM rings r, unnest(
    %(shards)s::int2[], %(tenants)s::int4[], %(sources)s::text[], %(ids)s::text[], %(machines)s::int4[],
    %(keys)s::text[], %(hashes)s::bytea[]) u
WHERE r.name = 'dedupe'
ON CONFLICT DO NOTHING

-- name: lock_heads
-- in: shards, sorted
-- out: shard, numbers, segment to write
-- locks: those head rows, FOR UPDATE, until the commit
-- index: heads_pkey
SELECT shard, numbers, segment FROM heads WHERE shard = ANY (%(shards)s::int2[]) ORDER BY shard FOR UPDATE

-- name: find_duplicates
-- in: the keys, as for claim_keys
-- out: place (from 1) in the arrays and payload hash of each key that an earlier transaction had claimed, in any generation;
--      run after lock_heads, so that a claim of the same shard that was in flight is seen
-- locks: nothing
-- index: dedupe_pkey; one probe a key and generation
SELECT u.place::int4, d.payload_hash
FROM unnest(%(shards)s::int2[], %(tenants)s::int4[], %(sources)s::text[], %(ids)s::text[], %(machines)s::int4[],
            %(keys)s::text[]) WITH ORDINALITY AS u (shard, tenant, source, id, machine, key, place)
CROSS JOIN LATERAL (
    SELECT d.payload_hash FROM dedupe d
    WHERE d.generation = ANY ('{0,1,2,3,4}'::int2[])
      AND d.shard = u.shard AND d.tenant = u.tenant AND d.source = u.source AND d.id = u.id
      AND d.machine = u.machine AND d.key = u.key AND d.xmin <> pg_current_xact_id()::xid
    OFFSET 0 -- keeps this a probe of its own
) d

-- name: unclaim_keys
-- in: keys, as for claim_keys, and the payload hashes that they were claimed with
-- out: nothing
-- locks: rows that this transaction has inserted: no other payload of such a key was ever accepted
-- index: dedupe_pkey; one probe a key and generation
DELETE FROM dedupe d
USING unnest(%(shards)s::int2[], %(tenants)s::int4[], %(sources)s::text[], %(ids)s::text[], %(machines)s::int4[],
             %(keys)s::text[], %(hashes)s::bytea[]) AS u (shard, tenant, source, id, machine, key, payload_hash)
WHERE d.generation = ANY ('{0,1,2,3,4}'::int2[])
  AND d.shard = u.shard AND d.tenant = u.tenant AND d.source = u.source AND d.id = u.id
  AND d.machine = u.machine AND d.key = u.key AND d.payload_hash = u.payload_hash

-- name: insert_inbox
-- in: numbered events, as parallel arrays
-- out: nothing
-- locks: the new rows
-- index: none; inbox_pkey of the segment grows at the end of each (shard, queue)
INSERT INTO inbox (segment, shard, queue, number, tenant, machine, key, kind, event_id, source, type, time, data,
                   traceparent, instance, timer, armed)
SELECT * FROM unnest(
    %(segments)s::int2[], %(shards)s::int2[], %(queues)s::int2[], %(numbers)s::int8[], %(tenants)s::int4[],
    %(machines)s::int4[], %(keys)s::text[], %(kinds)s::int2[], %(event_ids)s::text[], %(sources)s::text[],
    %(types)s::text[], %(times)s::text[], %(data)s::text[], %(traceparents)s::text[], %(instances)s::int8[],
    %(timers)s::text[], %(armed)s::int8[])

-- name: move_heads
-- in: shards and their new numbers as text, as parallel arrays
-- out: nothing; the row count must equal the arrays' length
-- locks: the head rows, held already
-- index: heads_pkey
UPDATE heads h SET numbers = u.numbers::int8[], at = clock_timestamp()
FROM unnest(%(shards)s::int2[], %(numbers)s::text[]) AS u (shard, numbers)
WHERE h.shard = u.shard

-- name: insert_dead_letters
-- in: events or records set aside, as parallel arrays; writer
-- out: nothing
-- locks: the new rows
-- index: none; dead_letters_pkey and dead_letters_open grow
INSERT INTO dead_letters (tenant, stage, code, what, place, remedy, topic_id, topic, partition, "offset", headers, raw,
                          shard, queue, number, instance, machine, key, event_id, source, type, event, attempts,
                          traceparent, worker)
SELECT u.*, %(writer)s FROM unnest(
    %(tenants)s::int4[], %(stages)s::text[], %(codes)s::text[], %(whats)s::text[], %(places)s::text[],
    %(remedies)s::text[], %(topic_ids)s::text[], %(topics)s::text[], %(partitions)s::int4[], %(offsets)s::int8[],
    %(headers)s::text[], %(raws)s::bytea[], %(shards)s::int2[], %(queues)s::int2[], %(numbers)s::int8[],
    %(instances)s::int8[], %(machines)s::text[], %(keys)s::text[], %(event_ids)s::text[], %(sources)s::text[],
    %(types)s::text[], %(events)s::text[], %(attempts)s::int4[], %(traceparents)s::text[]) u

-- name: insert_alarms
-- in: codes, tenants, shards, whats as parallel arrays; writer
-- out: nothing
-- locks: the new rows
-- index: none; alarms_pkey grows
INSERT INTO alarms (code, tenant, shard, what, writer)
SELECT u.*, %(writer)s
FROM unnest(%(codes)s::text[], %(tenants)s::int4[], %(shards)s::int2[], %(whats)s::text[]) u

-- name: move_offsets
-- in: topic ids, partitions, expected and next offsets, as parallel arrays sorted by (topic id, partition)
-- out: nothing; fails as a conflict where somebody else has moved one
-- locks: those offset rows
-- index: offsets_pkey
WITH moved AS (
UPDATE offsets o SET next = u.next, at = clock_timestamp()
FROM unnest(%(topic_ids)s::text[], %(partitions)s::int4[], %(expected)s::int8[], %(nexts)s::int8[])
     AS u (topic_id, partition, expected, next)
WHERE o.topic_id = u.topic_id AND o.partition = u.partition AND o.next = u.expected
RETURNING 1
)
SELECT expect_rows('offsets', (SELECT count(*) FROM moved), cardinality(%(partitions)s::int4[]))

-- name: force_offsets
-- in: as move_offsets
-- out: nothing
-- locks: those offset rows
-- index: offsets_pkey; what a test gets that switches the comparison off
UPDATE offsets o SET next = u.next, at = clock_timestamp()
FROM unnest(%(topic_ids)s::text[], %(partitions)s::int4[], %(expected)s::int8[], %(nexts)s::int8[])
     AS u (topic_id, partition, expected, next)
WHERE o.topic_id = u.topic_id AND o.partition = u.partition

-- name: insert_intakes
-- in: what became of the records of each partition, as parallel arrays; writer
-- out: nothing
-- locks: the new rows
-- index: none; intakes_pkey grows
INSERT INTO intakes (topic_id, partition, first, next, accepted, duplicates, dead, writer)
SELECT u.*, %(writer)s FROM unnest(
    %(topic_ids)s::text[], %(partitions)s::int4[], %(firsts)s::int8[], %(nexts)s::int8[], %(accepted)s::int4[],
    %(duplicates)s::int4[], %(dead)s::int4[]) u

-- name: begin_offsets
-- in: topic ids, partitions, topics, and where a partition that was never read begins, as parallel arrays
-- out: nothing
-- locks: the new rows
-- index: none; offsets_pkey grows
INSERT INTO offsets (topic_id, partition, topic, next)
SELECT * FROM unnest(%(topic_ids)s::text[], %(partitions)s::int4[], %(topics)s::text[], %(nexts)s::int8[])
ON CONFLICT DO NOTHING

-- name: read_offsets
-- in: topic ids and partitions, as parallel arrays
-- out: topic id, partition, next offset, why it was stopped or null
-- locks: nothing
-- index: offsets_pkey
SELECT o.topic_id, o.partition, o.next, o.stopped
FROM unnest(%(topic_ids)s::text[], %(partitions)s::int4[]) AS u (topic_id, partition)
JOIN offsets o ON o.topic_id = u.topic_id AND o.partition = u.partition

-- name: stop_offset
-- in: topic id, partition, the offset at which it stands, why
-- out: nothing; a row count of 0 says that somebody else has moved it
-- locks: the offset row
-- index: offsets_pkey
UPDATE offsets SET stopped = %(stopped)s, at = clock_timestamp()
WHERE topic_id = %(topic_id)s AND partition = %(partition)s AND next = %(expected)s

-- name: read_depth
-- in: nothing
-- out: by lane (0 to 3): events that wait; and for how many seconds the slowest shard has stood still with work
-- locks: nothing
-- index: inbox_pkey, inbox_late_pkey; one probe a queue that waits in a shard that has stood still for a second
SELECT (q.queue - 1) / 2, sum(h.numbers[q.queue] - c.numbers[q.queue])::int8,
       -- A shard may have had nothing to do for long: its cursor stands still with work only since the work is there.
       coalesce(max(extract(epoch FROM clock_timestamp() - greatest(c.at, first.at)))
                FILTER (WHERE h.numbers[q.queue] > c.numbers[q.queue]), 0)::float8
FROM heads h JOIN cursors c ON c.shard = h.shard CROSS JOIN generate_series(1, 8) AS q (queue)
LEFT JOIN LATERAL (
    SELECT i.at FROM inbox i
    WHERE h.numbers[q.queue] > c.numbers[q.queue] AND c.at < clock_timestamp() - interval '1 second'
      AND i.segment = ANY ('{0,1,2,3}'::int2[])
      AND i.shard = h.shard AND i.queue = q.queue - 1 AND i.number = c.numbers[q.queue] + 1
    UNION ALL
    SELECT l.at FROM inbox_late l
    WHERE h.numbers[q.queue] > c.numbers[q.queue] AND c.at < clock_timestamp() - interval '1 second'
      AND l.shard = h.shard AND l.queue = q.queue - 1 AND l.number = c.numbers[q.queue] + 1
    LIMIT 1
) first ON true
GROUP BY 1 ORDER BY 1
