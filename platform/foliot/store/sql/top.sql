-- What `foliot top` looks at, once a second: as cheap with millions of instances as with none.

-- name: shards
-- in: nothing
-- out: by shard: numbers given and numbers passed by queue, who wrote it last and how many seconds ago, messages and changes
--      not yet confirmed; and the database's time
-- locks: nothing
-- index: none; heads, cursors and relays have one row a shard
SELECT h.shard, h.numbers, c.numbers, c.writer, extract(epoch FROM clock_timestamp() - c.at)::float8,
       c.outbox - r.sent, c.n - r.changes, clock_timestamp()
FROM heads h JOIN cursors c ON c.shard = h.shard JOIN relays r ON r.shard = h.shard
ORDER BY h.shard

-- name: samples
-- in: since when
-- out: of events that were stepped since then: lane, milliseconds from accepted to stepped
-- locks: nothing
-- index: journal_pkey, inbox_pkey; the last 8 rows of the 8 shards that were written last
SELECT j.queue / 2, (extract(epoch FROM j.at - i.at) * 1000)::float8
FROM (SELECT shard, n FROM cursors ORDER BY at DESC LIMIT 8) c
CROSS JOIN LATERAL (
    SELECT shard, queue, number, at FROM journal
    WHERE shard = c.shard AND n > c.n - 8 AND n <= c.n AND kind = 0 AND timer IS NULL AND at > %(since)s
    OFFSET 0 -- keeps this a probe of its own, as below
) j
CROSS JOIN LATERAL (
    SELECT at FROM inbox
    WHERE segment = ANY ('{0,1,2,3}'::int2[]) AND shard = j.shard AND queue = j.queue AND number = j.number
    OFFSET 0
) i

-- name: stuck
-- in: nothing
-- out: instances that do not run, the longest first: machine, key, mode, note, how many events wait with it (100 at most),
--      seconds since its last step
-- locks: nothing
-- index: instances_not_running, held_pkey, machines_pkey; two rows a shard, and the events of ten of them
SELECT m.name, s.key, s.mode, s.note, h.waiting, extract(epoch FROM clock_timestamp() - s.stepped_at)::float8
FROM (
    SELECT i.* FROM cursors c
    CROSS JOIN LATERAL (
        SELECT shard, id, machine, key, mode, note, stepped_at FROM instances
        WHERE shard = c.shard AND mode <> 'running' ORDER BY id LIMIT 2
    ) i
    ORDER BY i.stepped_at LIMIT 10
) s
JOIN machines m ON m.number = s.machine
CROSS JOIN LATERAL (
    SELECT count(*)::int4 AS waiting FROM (SELECT FROM held WHERE shard = s.shard AND holder = s.id LIMIT 100) few
) h
ORDER BY s.stepped_at

-- name: crowded
-- in: nothing
-- out: the five instances with most events among the first 100 that wait in each of the eight longest queues: machine,
--      key, how many, seconds since the oldest was accepted
-- locks: nothing
-- index: inbox_pkey; heads, cursors and machines are small
SELECT m.name, e.key, count(*)::int4, extract(epoch FROM clock_timestamp() - min(e.at))::float8
FROM (
    SELECT h.shard, q.queue, c.numbers[q.queue + 1] AS passed
    FROM heads h JOIN cursors c ON c.shard = h.shard CROSS JOIN generate_series(0, 7) AS q (queue)
    WHERE h.numbers[q.queue + 1] > c.numbers[q.queue + 1]
    ORDER BY h.numbers[q.queue + 1] - c.numbers[q.queue + 1] DESC LIMIT 8
) w
CROSS JOIN LATERAL (
    SELECT machine, key, at FROM inbox
    WHERE segment = ANY ('{0,1,2,3}'::int2[]) AND shard = w.shard AND queue = w.queue
      AND number > w.passed AND number <= w.passed + 100
    OFFSET 0 -- keeps this a probe of its own
) e
JOIN machines m ON m.number = e.machine
GROUP BY m.number, m.name, e.key
ORDER BY count(*) DESC, min(e.at) LIMIT 5

-- name: letters
-- in: nothing
-- out: the open ones among the last 1,000 dead letters: how many; of the last five of them id, code, machine, key, stage,
--      seconds since
-- locks: nothing
-- index: dead_letters_pkey
SELECT count(*) OVER ()::int4, id, code, machine, key, stage, extract(epoch FROM clock_timestamp() - at)::float8
FROM (
    SELECT id, code, machine, key, stage, at, status FROM dead_letters
    WHERE id > (SELECT coalesce(pg_sequence_last_value('dead_letters_id_seq'::regclass), 0) - 1000)
    OFFSET 0 -- the index of the open ones is by tenant
) d
WHERE status = 'open'
ORDER BY id DESC LIMIT 5

-- name: sessions
-- in: nothing
-- out: of Foliot's sessions in this database: application, state, seconds of its open transaction
-- locks: nothing
-- index: none
SELECT application_name, coalesce(state, ''), extract(epoch FROM clock_timestamp() - xact_start)::float8
FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE 'foliot-%%' AND pid <> pg_backend_pid()
ORDER BY application_name
