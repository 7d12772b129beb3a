-- What brings events in, and the offsets of what they come from.

-- name: take_in
-- in: the registry's revision; events as the database's function take_in wants them
-- out: the number of each, null where its claim was there; places of claims that were there with another payload, and
--      the hashes of those
-- locks: heads of the shards, sorted, until the commit
-- index: none; the function rides heads_pkey and dedupe_pkey
SELECT given, reused, accepted FROM take_in(
    %(revision)s::int8, %(claims)s::bytea[], %(hashes)s::bytea[], %(shards)s::int2[], %(queues)s::int2[],
    %(tenants)s::int4[], %(machines)s::int4[], %(keys)s::text[], %(event_ids)s::text[], %(sources)s::text[],
    %(types)s::text[], %(times)s::text[], %(data)s::text[], %(traceparents)s::text[], false)

-- name: take_in_records
-- in: as take_in; for each event the place of its partition among those whose offsets move; topic ids, partitions,
--     expected and next offsets, sorted by (topic id, partition), with the counts of records that are no events; writer;
--     whether expected offsets count, which only tests deny
-- out: the number of each event, null where its claim was there, and whether within the last second a front door has
--      brought events for one of the shards; fails where a claim was there with another payload, and as a conflict where
--      somebody else has moved an offset
-- locks: heads of the shards, then the offset rows, until the commit
-- index: none; the function rides heads_pkey, dedupe_pkey and offsets_pkey
SELECT given, beside_front FROM take_in_records(
    %(revision)s::int8, %(claims)s::bytea[], %(hashes)s::bytea[], %(shards)s::int2[], %(queues)s::int2[],
    %(tenants)s::int4[], %(machines)s::int4[], %(keys)s::text[], %(event_ids)s::text[], %(sources)s::text[],
    %(types)s::text[], %(times)s::text[], %(data)s::text[], %(traceparents)s::text[],
    %(partition_places)s::int4[], %(topic_ids)s::text[], %(partitions)s::int4[], %(expected)s::int8[],
    %(nexts)s::int8[], %(doubled)s::int4[], %(dead)s::int4[], %(writer)s::text, %(compare)s::bool)

-- name: lock_heads
-- in: shards, sorted
-- out: shard, numbers, segment to write
-- locks: those head rows, FOR UPDATE, until the commit
-- index: heads_pkey
SELECT shard, numbers, segment FROM heads WHERE shard = ANY (%(shards)s::int2[]) ORDER BY shard FOR UPDATE

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
-- index: none; dead_letters_pkey and dead_letters_tenant grow
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
