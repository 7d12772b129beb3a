-- Keys of the front doors, as operators make and end them.

-- name: insert_key
-- in: id, tenant, name, hash, scopes, by whom, days until it expires or null
-- out: when it was made, when it expires
-- locks: the new row
-- index: none; api_keys_pkey grows
INSERT INTO api_keys (id, tenant, name, hash, scopes, made_by, expires_at)
VALUES (%(id)s, %(tenant)s, %(name)s, %(hash)s, %(scopes)s::text[], %(by)s,
        clock_timestamp() + %(days)s::float8 * interval '1 day')
RETURNING at, expires_at

-- name: list_keys
-- in: tenant
-- out: its keys, the newest last
-- locks: nothing
-- index: none; few rows
SELECT id, name, scopes, made_by, at, expires_at, revoked_at FROM api_keys WHERE tenant = %(tenant)s ORDER BY at, id

-- name: lock_key
-- in: id, tenant
-- out: name, scopes, whether it opens something still
-- locks: that row
-- index: api_keys_pkey
SELECT name, scopes, revoked_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp())
FROM api_keys WHERE id = %(id)s AND tenant = %(tenant)s FOR UPDATE

-- name: end_key
-- in: id, seconds from now
-- out: nothing
-- locks: that row
-- index: api_keys_pkey
UPDATE api_keys SET expires_at = least(expires_at, clock_timestamp() + %(seconds)s::float8 * interval '1 second')
WHERE id = %(id)s

-- name: revoke_key
-- in: id
-- out: nothing
-- locks: that row
-- index: api_keys_pkey
UPDATE api_keys SET revoked_at = coalesce(revoked_at, clock_timestamp()) WHERE id = %(id)s
