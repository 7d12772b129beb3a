-- What operators do to single events and instances.

-- name: list_dead_letters
-- in: status, code and machine, each null for all; the id after which to go on, count
-- out: dead letters of all tenants and of none, in the order of their ids
-- locks: nothing
-- index: dead_letters_pkey
SELECT d.id, t.slug, d.status, d.stage, d.code, d.what, d.place, d.remedy, d.topic, d.partition, d.offset, d.machine,
       d.key, d.event_id, d.source, d.type, d.attempts, d.worker, d.traceparent, d.at, d.ended_at, d.ended_by
FROM dead_letters d LEFT JOIN tenants t ON t.number = d.tenant
WHERE (%(status)s::text IS NULL OR d.status = %(status)s) AND (%(code)s::text IS NULL OR d.code = %(code)s)
  AND (%(machine)s::text IS NULL OR d.machine = %(machine)s) AND d.id > %(after)s
ORDER BY d.id LIMIT %(count)s

-- name: list_own_dead_letters
-- in: tenant, and as list_dead_letters
-- out: dead letters of that tenant, in the order of their ids; those of others are not looked at
-- locks: nothing
-- index: dead_letters_tenant
SELECT d.id, t.slug, d.status, d.stage, d.code, d.what, d.place, d.remedy, d.topic, d.partition, d.offset, d.machine,
       d.key, d.event_id, d.source, d.type, d.attempts, d.worker, d.traceparent, d.at, d.ended_at, d.ended_by
FROM dead_letters d LEFT JOIN tenants t ON t.number = d.tenant
WHERE d.tenant = %(tenant)s::int4 AND (d.tenant, d.id) > (%(tenant)s::int4, %(after)s)
  AND (%(status)s::text IS NULL OR d.status = %(status)s) AND (%(code)s::text IS NULL OR d.code = %(code)s)
  AND (%(machine)s::text IS NULL OR d.machine = %(machine)s)
ORDER BY d.tenant, d.id LIMIT %(count)s

-- name: read_dead_letter
-- in: id
-- out: all that is known of it
-- locks: nothing
-- index: dead_letters_pkey
SELECT d.id, d.tenant, t.slug, d.status, d.stage, d.code, d.what, d.place, d.remedy, d.topic_id, d.topic, d.partition,
       d.offset, d.headers, d.raw, d.shard, d.queue, d.number, d.instance, d.machine, d.key, d.event_id, d.source, d.type,
       d.event, d.attempts, d.worker, d.traceparent, d.at, d.ended_at, d.ended_by
FROM dead_letters d LEFT JOIN tenants t ON t.number = d.tenant WHERE d.id = %(id)s

-- name: end_letter
-- in: id, by whom
-- out: whether this call has ended it
-- locks: that row
-- index: none; the function rides dead_letters_pkey
SELECT repair_end_letter(%(id)s::int8, %(by)s::text)

-- name: accept_letter
-- in: id of a letter of stage step, shard of its address, by whom
-- out: the queue in which its event waits now, null where the letter was ended before
-- locks: that row, then the shard's head, until the commit
-- index: none; the function rides dead_letters_pkey and heads_pkey
SELECT repair_accept_letter(%(id)s::int8, %(shard)s::int2, %(by)s::text)

-- name: send_letter
-- in: id of a letter of stage send, by whom
-- out: whether its message waits in the outbox now; false where the letter was ended before
-- locks: that row, then the shard's cursor, until the commit
-- index: none; the function rides dead_letters_pkey and cursors_pkey
SELECT repair_send_letter(%(id)s::int8, %(by)s::text)

-- name: release
-- in: shard, id of an instance, by whom
-- out: its mode before, of which only `held` was changed; null where there is no such instance
-- locks: the shard's cursor, the instance and its open dead letters of stage park, until the commit
-- index: none; the function rides cursors_pkey, instances_pkey and dead_letters_parked
SELECT repair_release(%(shard)s::int2, %(id)s::int8, %(by)s::text)
