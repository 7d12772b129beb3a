-- Attempts to step, written before the step on a connection of their own with synchronous_commit=off.

-- name: begin
-- in: shards and, as text, the numbers of their cursors, the count of their batches and the queue that a single step
--     takes its event from, as parallel arrays; writer; how many single steps follow two deaths
-- out: shard, attempts that did not finish from these cursors (this one counts), and how many of them were single
--      steps: 0 says that this is a whole batch; and the queue of the first single step from here
-- locks: the attempt rows, for this statement
-- index: attempts_pkey
INSERT INTO attempts AS a (shard, numbers, unfinished, singles, single_left, writer)
SELECT shard, numbers::int8[], 1, 0, 0, %(writer)s
FROM unnest(%(shards)s::int2[], %(numbers)s::text[]) AS u (shard, numbers) ORDER BY shard
ON CONFLICT (shard) DO UPDATE SET
    numbers = CASE WHEN a.numbers[:9] = excluded.numbers[:9] AND a.singles > 0 THEN a.numbers
                   ELSE excluded.numbers END,
    unfinished = CASE WHEN a.numbers[:9] = excluded.numbers[:9] THEN a.unfinished + 1 ELSE 1 END,
    singles = CASE WHEN a.numbers[:9] <> excluded.numbers[:9] THEN (a.single_left > 0)::int
                   WHEN a.unfinished >= 2 OR a.single_left > 0 THEN a.singles + 1
                   ELSE 0 END,
    single_left = CASE WHEN a.numbers[:9] <> excluded.numbers[:9] THEN greatest(a.single_left - 1, 0)
                       WHEN a.unfinished >= 2 AND a.single_left = 0 THEN %(single_steps)s
                       ELSE a.single_left END,
    writer = excluded.writer,
    at = clock_timestamp()
RETURNING shard, unfinished, singles, coalesce(numbers[10], -1)::int4

-- name: excuse
-- in: shards
-- out: nothing; the attempt ended without a step, by an error that was not the event's
-- locks: the attempt rows, for this statement
-- index: attempts_pkey
UPDATE attempts SET unfinished = greatest(unfinished - 1, 0), singles = greatest(singles - 1, 0)
WHERE shard = ANY (%(shards)s::int2[])
