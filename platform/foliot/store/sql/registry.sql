-- The registry: every change locks the installation's row first, so that changes come one after the other.

-- name: lock_installation
-- in: nothing
-- out: the present revision
-- locks: the installation's row, FOR UPDATE, until the commit
-- index: none; one row, by a function that the front role may call too
SELECT registry_lock()

-- name: move_revision
-- in: nothing
-- out: the new revision
-- locks: the installation's row, held already
-- index: none; one row, by a function that the front role may call too
SELECT registry_move()

-- name: read_operation
-- in: tenant, id
-- out: what it was, its detail
-- locks: nothing
-- index: operations_pkey
SELECT what, detail FROM operations WHERE tenant = %(tenant)s AND id = %(id)s

-- name: insert_operation
-- in: tenant, id, what, detail, by
-- out: nothing
-- locks: the new row
-- index: none; operations_pkey grows
INSERT INTO operations (tenant, id, what, detail, by)
VALUES (%(tenant)s, %(id)s, %(what)s, %(detail)s, %(by)s)

-- name: read_catalog
-- in: nothing
-- out: revision, semantics, shards, secret; then as JSON: tenants (slug, number), machines (number, tenant, slug, name),
--      channels (machine, name, revision, version, all_revision, all_version), topics (topic, tenant), routes (tenant,
--      slug, name, topic, definition, schema), in the order in which a record tries them
-- locks: nothing; one statement, so that all is of one revision
-- index: none; small tables are read whole
SELECT i.revision, i.semantics, i.shards, i.secret,
       (SELECT coalesce(json_agg(json_build_array(t.slug, t.number)), '[]') FROM tenants t),
       (SELECT coalesce(json_agg(json_build_array(m.number, m.tenant, t.slug, m.name)), '[]')
        FROM machines m JOIN tenants t ON t.number = m.tenant),
       (SELECT coalesce(json_agg(json_build_array(c.machine, c.name, c.revision, c.version, c.all_revision,
                                                  c.all_version) ORDER BY c.name), '[]') FROM channels c),
       (SELECT coalesce(json_agg(json_build_array(p.topic, p.tenant)), '[]') FROM topics p),
       (SELECT coalesce(json_agg(json_build_array(r.tenant, t.slug, r.name, r.topic, r.definition, s.schema)
                                 ORDER BY r.ordinal, t.slug, r.name), '[]')
        FROM routes r JOIN tenants t ON t.number = r.tenant
        LEFT JOIN schemas s ON s.tenant = r.tenant AND s.name = r.definition::json ->> 'schema'
        WHERE r.enabled)
FROM installation i

-- name: read_definition
-- in: machine, version
-- out: the definition in canonical form
-- locks: nothing
-- index: machines_pkey, versions_pkey
SELECT v.definition FROM machines m
JOIN versions v ON v.tenant = m.tenant AND v.machine = m.number AND v.version = %(version)s
WHERE m.number = %(machine)s

-- name: list_tenants
-- in: nothing
-- out: number, slug
-- locks: nothing
-- index: none; a small table is read whole
SELECT number, slug FROM tenants ORDER BY slug

-- name: insert_tenant
-- in: slug
-- out: its number
-- locks: the new row
-- index: none; tenants_pkey and tenants_slug_key grow
INSERT INTO tenants (slug) VALUES (%(slug)s) RETURNING number

-- name: list_machines
-- in: tenant
-- out: number, name, how many versions, the newest version
-- locks: nothing
-- index: machines_tenant_name_key, versions_pkey
SELECT m.number, m.name, count(v.version), coalesce(max(v.version), 0)
FROM machines m LEFT JOIN versions v ON v.tenant = m.tenant AND v.machine = m.number
WHERE m.tenant = %(tenant)s GROUP BY m.number, m.name ORDER BY m.name

-- name: insert_machine
-- in: tenant, name
-- out: its number
-- locks: the new row
-- index: none; machines_pkey and machines_tenant_name_key grow
INSERT INTO machines (tenant, name) VALUES (%(tenant)s, %(name)s) RETURNING number

-- name: list_versions
-- in: tenant, machine
-- out: version, hash, by whom and when it was published, when it was deprecated or null
-- locks: nothing
-- index: none; versions_pkey or versions_tenant_machine_hash_key, which begin alike
SELECT version, hash, published_by, published_at, deprecated_at FROM versions
WHERE tenant = %(tenant)s AND machine = %(machine)s ORDER BY version

-- name: read_version
-- in: tenant, machine, version
-- out: the definition in canonical form, the text that was published
-- locks: nothing
-- index: versions_pkey
SELECT definition, source FROM versions
WHERE tenant = %(tenant)s AND machine = %(machine)s AND version = %(version)s

-- name: insert_version
-- in: tenant, machine, version, hash, definition, source, by
-- out: nothing
-- locks: the new row
-- index: none; versions_pkey and versions_tenant_machine_hash_key grow
INSERT INTO versions (tenant, machine, version, hash, definition, source, published_by)
VALUES (%(tenant)s, %(machine)s, %(version)s, %(hash)s, %(definition)s, %(source)s, %(by)s)

-- name: deprecate_version
-- in: tenant, machine, version
-- out: nothing
-- locks: that row
-- index: versions_pkey
UPDATE versions SET deprecated_at = coalesce(deprecated_at, clock_timestamp())
WHERE tenant = %(tenant)s AND machine = %(machine)s AND version = %(version)s

-- name: list_channels
-- in: tenant
-- out: machine, name, revision, version, all_revision, all_version
-- locks: nothing
-- index: channels_pkey
SELECT machine, name, revision, version, all_revision, all_version FROM channels
WHERE tenant = %(tenant)s ORDER BY machine, name

-- name: put_channel
-- in: tenant, machine, name, revision, version, all_revision, all_version
-- out: nothing
-- locks: that row
-- index: channels_pkey
INSERT INTO channels (tenant, machine, name, revision, version, all_revision, all_version)
VALUES (%(tenant)s, %(machine)s, %(name)s, %(revision)s, %(version)s, %(all_revision)s, %(all_version)s)
ON CONFLICT (tenant, machine, name) DO UPDATE
SET revision = excluded.revision, version = excluded.version, all_revision = excluded.all_revision,
    all_version = excluded.all_version, moved_at = clock_timestamp()

-- name: read_topic
-- in: topic
-- out: the tenant that it is bound to, null where it is to none; for the front role 0 in the place of another's
-- locks: nothing
-- index: none; the function rides topics_pkey
SELECT registry_topic(%(topic)s)

-- name: put_topic
-- in: topic, tenant
-- out: nothing
-- locks: that row
-- index: topics_pkey
INSERT INTO topics (topic, tenant) VALUES (%(topic)s, %(tenant)s)
ON CONFLICT (topic) DO UPDATE SET tenant = excluded.tenant, at = clock_timestamp()

-- name: list_schemas
-- in: tenant
-- out: name, schema
-- locks: nothing
-- index: schemas_pkey
SELECT name, schema FROM schemas WHERE tenant = %(tenant)s ORDER BY name

-- name: put_route
-- in: tenant, name, topic, definition
-- out: nothing
-- locks: that row
-- index: routes_pkey
INSERT INTO routes (tenant, name, topic, definition) VALUES (%(tenant)s, %(name)s, %(topic)s, %(definition)s)
ON CONFLICT (tenant, name) DO UPDATE
SET topic = excluded.topic, definition = excluded.definition, enabled = true, at = clock_timestamp()

-- name: list_routes
-- in: tenant
-- out: name, topic, definition, the schema that it names or null
-- locks: nothing
-- index: routes_pkey, schemas_pkey
SELECT r.name, r.topic, r.definition, s.schema
FROM routes r LEFT JOIN schemas s ON s.tenant = r.tenant AND s.name = r.definition::json ->> 'schema'
WHERE r.tenant = %(tenant)s ORDER BY r.topic, r.name

-- name: put_schema
-- in: tenant, name, schema
-- out: nothing
-- locks: that row
-- index: schemas_pkey
INSERT INTO schemas (tenant, name, schema) VALUES (%(tenant)s, %(name)s, %(schema)s)
ON CONFLICT (tenant, name) DO UPDATE SET schema = excluded.schema, at = clock_timestamp()

-- name: has_tables
-- in: nothing
-- out: whether a migration was ever applied
-- locks: nothing
-- index: none; the catalog's own
SELECT to_regclass('public.alembic_version') IS NOT NULL

-- name: read_tables_revision
-- in: nothing
-- out: the revision of the tables; the owner alone may read it
-- locks: nothing
-- index: none; one row
SELECT version_num FROM public.alembic_version

-- name: read_installation
-- in: nothing
-- out: revision of the registry, active semantics number, shards
-- locks: nothing
-- index: none; one row
SELECT revision, semantics, shards FROM installation
