-- What the live views show. Cheap: they are asked several times a second.

-- name: progress
-- in: nothing
-- out: events accepted, events stepped past, messages and changes not yet confirmed
-- locks: nothing
-- index: none; heads, cursors and relays have one row a shard
SELECT sum((SELECT sum(x) FROM unnest(h.numbers) x))::int8, sum((SELECT sum(x) FROM unnest(c.numbers) x))::int8,
       sum(c.outbox - r.sent)::int8, sum(c.n - r.changes)::int8
FROM heads h JOIN cursors c ON c.shard = h.shard JOIN relays r ON r.shard = h.shard

-- name: latencies
-- in: nothing
-- out: by lane: samples, and milliseconds from accepted to stepped: median and 99th percentile
-- locks: nothing
-- index: journal_pkey, inbox_pkey; the last 40 rows of each shard
SELECT j.queue / 2, count(*)::int4,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM j.at - i.at) * 1000)::float8,
       percentile_cont(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM j.at - i.at) * 1000)::float8
FROM cursors c
CROSS JOIN LATERAL (
    SELECT shard, queue, number, at FROM journal
    WHERE shard = c.shard AND n > c.n - 40 AND n <= c.n AND kind = 0 AND timer IS NULL
      AND at > clock_timestamp() - interval '3 seconds'
    OFFSET 0 -- keeps this a probe of its own, as below
) j
CROSS JOIN LATERAL (
    SELECT at FROM inbox
    WHERE segment = ANY ('{0,1,2,3}'::int2[]) AND shard = j.shard AND queue = j.queue AND number = j.number
    OFFSET 0
) i
GROUP BY 1 ORDER BY 1

-- name: population
-- in: nothing
-- out: version, living instances of it
-- locks: nothing
-- index: none; a scan, asked for once in a while
SELECT version, count(*)::int4 FROM instances GROUP BY 1 ORDER BY 1

-- name: sizes
-- in: nothing
-- out: bytes of the database's largest tables with their indexes, by name
-- locks: nothing
-- index: none
SELECT c.relname, pg_total_relation_size(c.oid)::int8
FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace
WHERE s.nspname = 'public' AND c.relkind = 'r' AND pg_total_relation_size(c.oid) > 65536
ORDER BY 2 DESC
