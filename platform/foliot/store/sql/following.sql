-- What those who follow the journal ask, each time anew: how far shards are, and then the rows up to there.

-- name: progress
-- in: shards
-- out: the map's epoch; for each shard that there is: shard, the last n of its journal, the last numbers applied
-- locks: nothing
-- index: none; the function rides cursors_pkey
SELECT epoch, shard, n, numbers FROM front_progress(%(shards)s::int2[])

-- name: read_windows
-- in: tenant; a machine and a key, or null for any; windows of journals as parallel arrays: shards, afters (exclusive),
--     lasts (inclusive), in the order in which they are to be read; bytes
-- out: the tenant's rows of the windows, as history.walk_back, then shard, instance, machine and key, the window from 1
--      on, and how many rows there are in all; no more of them than what begins within so many bytes of texts
-- locks: nothing; no row up to a committed cursor's n is written any more
-- index: journal_pkey, instances_pkey; one range a window, one probe a row
SELECT n, previous_n, position, kind, outcome, version, semantics, queue, number, event_id, source, type, time, data,
       timer, transitions, state_hash, state, detail, at, shard, instance, machine, name, key, place, total
FROM (
    SELECT j.*, i.machine, m.name, i.key, w.place, count(*) OVER () AS total,
           sum(j.bytes) OVER (ORDER BY w.place, j.n) - j.bytes AS bytes_before
    FROM unnest(%(shards)s::int2[], %(afters)s::int8[], %(lasts)s::int8[])
         WITH ORDINALITY AS w (shard, after, last, place)
    CROSS JOIN LATERAL (
        SELECT *, coalesce(octet_length(data), 0) + coalesce(octet_length(state), 0)
                  + coalesce(octet_length(detail), 0) AS bytes
        FROM journal WHERE shard = w.shard AND n > w.after AND n <= w.last AND tenant = %(tenant)s::int4
        OFFSET 0 -- keeps this a probe of its own, as below
    ) j
    CROSS JOIN LATERAL (
        SELECT machine, key FROM instances WHERE shard = j.shard AND id = j.instance OFFSET 0
    ) i
    CROSS JOIN LATERAL (SELECT name FROM machines WHERE number = i.machine OFFSET 0) m
    WHERE i.machine = coalesce(%(machine)s::int4, i.machine) AND i.key = coalesce(%(key)s::text, i.key)
) f
WHERE bytes_before < %(bytes)s::int8
ORDER BY place, n

-- name: gone
-- in: shards and an n of each, as parallel arrays
-- out: the shards whose journal has gone on from there, but no longer has the next row
-- locks: nothing
-- index: none; the function rides cursors_pkey and journal_pkey
SELECT shard FROM front_gone(%(shards)s::int2[], %(afters)s::int8[])
