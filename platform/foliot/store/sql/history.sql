-- What people ask about instances; short transactions, no locks.

-- name: read_instance
-- in: shard, tenant, machine, key
-- out: the living instance of an address
-- locks: nothing
-- index: instances_address
SELECT shard, id, channel, placed, version, semantics, position, n, mode, state, note, born_at, stepped_at
FROM instances
WHERE shard = %(shard)s AND tenant = %(tenant)s AND machine = %(machine)s AND key = %(key)s AND NOT released

-- name: count_waiting
-- in: shard, instance
-- out: how many events the instance holds
-- locks: nothing
-- index: held_pkey
SELECT count(*) FROM held WHERE shard = %(shard)s AND holder = %(instance)s

-- name: walk_back
-- in: shard, n of an instance's row, the instance or null for whosever row it is, count
-- out: that row and the instance's rows before it, the newest first; each names the n of the one before
-- locks: nothing
-- index: journal_pkey; one probe a row
WITH RECURSIVE walked AS (
    SELECT j.*, 1 AS place FROM journal j WHERE j.shard = %(shard)s AND j.n = %(n)s
      AND j.instance = coalesce(%(instance)s::int8, j.instance)
    UNION ALL
    SELECT j.*, w.place + 1 FROM walked w JOIN journal j ON j.shard = w.shard AND j.n = w.previous_n
    WHERE w.place < %(count)s
)
SELECT n, previous_n, position, kind, outcome, version, semantics, queue, number, event_id, source, type, time, data,
       timer, transitions, state_hash, state, detail, at
FROM walked ORDER BY place

-- name: read_shards
-- in: nothing
-- out: shard, the last n of its journal
-- locks: nothing
-- index: none; cursors has one row a shard
SELECT shard, n FROM cursors ORDER BY shard

-- name: read_journal
-- in: shard, n after which to go on, n at which to stop, count
-- out: journal rows in the order of n
-- locks: nothing
-- index: journal_pkey
SELECT n, instance, position, previous_n, kind, outcome, version, semantics, event_id, source, type, time, data, timer,
       armed, transitions, state_hash, state, (extract(epoch FROM at) * 1000000)::int8, tenant
FROM journal WHERE shard = %(shard)s AND n > %(after)s AND n <= %(last)s ORDER BY n LIMIT %(count)s

-- name: read_presents
-- in: shard, id after which to go on, count
-- out: instances of the shard in the order of their ids
-- locks: nothing
-- index: instances_pkey
SELECT id, machine, key, version, position, n, state FROM instances
WHERE shard = %(shard)s AND id > %(after)s ORDER BY id LIMIT %(count)s
