-- What `foliot doctor` asks a server about itself, and what the tables say of who is alive.

-- name: server
-- in: nothing
-- out: what the server and this session are set to, by name; how many sessions and standbys there are; the server's time
-- locks: nothing
-- index: none
SELECT current_setting('server_version_num')::int4 AS version, current_setting('server_version') AS version_text,
       pg_is_in_recovery() AS standby, current_setting('fsync') AS fsync,
       current_setting('full_page_writes') AS full_page_writes, current_setting('autovacuum') AS autovacuum,
       current_setting('data_checksums') AS data_checksums, current_setting('server_encoding') AS encoding,
       current_setting('synchronous_commit') AS synchronous_commit,
       current_setting('synchronous_standby_names') AS synchronous_standbys,
       current_setting('lock_timeout') AS lock_timeout,
       pg_size_bytes(current_setting('shared_buffers'))::int8 AS shared_buffers,
       coalesce(current_setting('huge_pages_status', true), 'unknown') AS huge_pages,
       current_setting('max_connections')::int4 AS connections_max,
       current_setting('superuser_reserved_connections')::int4 AS reserved,
       (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')::int4 AS sessions,
       (SELECT count(*) FROM pg_stat_replication)::int4 AS standbys,
       clock_timestamp() AS now

-- name: role
-- in: nothing
-- out: name of this session's role; whether it is a superuser, passes row-level security, is the tables' owner
-- locks: nothing
-- index: none; the catalog's own
SELECT rolname, rolsuper, rolbypassrls,
       pg_has_role((SELECT relowner FROM pg_class WHERE oid = 'journal'::regclass), 'MEMBER')
FROM pg_roles WHERE rolname = current_user

-- name: open_tables
-- in: nothing
-- out: tables with a tenant that the front role can read and that row-level security does not guard
-- locks: nothing
-- index: none; the catalog's own
SELECT c.relname FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant' AND NOT a.attisdropped
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
  AND has_table_privilege('foliot_front', c.oid, 'SELECT') AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
ORDER BY c.relname

-- name: oldest_transaction
-- in: nothing
-- out: application and seconds of the longest open transaction in this database
-- locks: nothing
-- index: none
SELECT coalesce(application_name, ''), extract(epoch FROM clock_timestamp() - xact_start)::float8
FROM pg_stat_activity
WHERE datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid()
  AND backend_type = 'client backend'
ORDER BY xact_start LIMIT 1

-- name: sessions
-- in: nothing
-- out: how many sessions step, take in and relay
-- locks: nothing
-- index: none
SELECT count(*) FILTER (WHERE application_name LIKE 'foliot-step %%')::int4,
       count(*) FILTER (WHERE application_name LIKE 'foliot-ingest%%')::int4,
       count(*) FILTER (WHERE application_name LIKE 'foliot-relay%%')::int4
FROM pg_stat_activity WHERE datname = current_database()

-- name: relay_lag
-- in: nothing
-- out: messages and changes not yet confirmed, and for how many seconds the slowest shard of them has stood still
-- locks: nothing
-- index: none; cursors and relays have one row a shard
SELECT coalesce(sum(c.outbox - r.sent), 0)::int8, coalesce(sum(c.n - r.changes), 0)::int8,
       coalesce(max(extract(epoch FROM clock_timestamp() - greatest(r.at, c.at))), 0)::float8
FROM cursors c JOIN relays r ON r.shard = c.shard WHERE c.outbox > r.sent OR c.n > r.changes

-- name: stopped
-- in: nothing
-- out: partitions that ingest has stopped, and why
-- locks: nothing
-- index: none; one row a partition
SELECT topic, partition, stopped FROM offsets WHERE stopped IS NOT NULL ORDER BY topic, partition

-- name: alarms
-- in: nothing
-- out: codes of the last day's alarms among the last 1,000, and how many
-- locks: nothing
-- index: none; from the end of alarms' own
SELECT code, count(*)::int4 FROM (SELECT code, at FROM alarms ORDER BY id DESC LIMIT 1000) a
WHERE at > clock_timestamp() - interval '1 day' GROUP BY code ORDER BY code

-- name: keys
-- in: nothing
-- out: API keys that open something now, and of these those that end within a week
-- locks: nothing
-- index: none; few rows
SELECT count(*)::int4,
       (count(*) FILTER (WHERE expires_at < clock_timestamp() + interval '7 days'))::int4
FROM api_keys WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp())
