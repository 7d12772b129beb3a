-- All tables as foliot.store.schema.tables declares them.

CREATE TABLE alarms (
	id BIGSERIAL NOT NULL,
	code TEXT COLLATE "C" NOT NULL,
	tenant INTEGER,
	shard SMALLINT,
	what TEXT COLLATE "C" NOT NULL,
	writer TEXT COLLATE "C" NOT NULL,
	at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
	PRIMARY KEY (id)
);
COMMENT ON TABLE alarms IS 'What must never happen and did, or what a person should look at: a second writer in a shard, a reused id.';

CREATE TABLE api_keys (
	id TEXT COLLATE "C" NOT NULL,
	tenant INTEGER NOT NULL,
	name TEXT COLLATE "C" NOT NULL,
	hash BYTEA NOT NULL,
	scopes TEXT[] NOT NULL,
	made_by TEXT COLLATE "C" DEFAULT '' NOT NULL,
	at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
	expires_at TIMESTAMP WITH TIME ZONE,
	revoked_at TIMESTAMP WITH TIME ZONE,
	PRIMARY KEY (id)
);
COMMENT ON TABLE api_keys IS 'Keys of the front doors. The secret is kept as HMAC-SHA256 with a pepper that the database never sees.';

CREATE TABLE attempts (
	shard SMALLINT NOT NULL,
	numbers BIGINT[] NOT NULL,
	unfinished INTEGER NOT NULL,
	singles INTEGER NOT NULL,
	single_left INTEGER NOT NULL,
	writer TEXT COLLATE "C" NOT NULL,
	at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
	PRIMARY KEY (shard)
)
 WITH (fillfactor = 20);
COMMENT ON TABLE attempts IS 'Attempts to step from these cursors, written before the step on a connection of its own.';

CREATE TABLE batches (
	shard SMALLINT NOT NULL,
	batch BIGINT NOT NULL,
	n_before BIGINT NOT NULL,
	n_after BIGINT NOT NULL,
	before BIGINT[] NOT NULL,
	after BIGINT[] NOT NULL,
	heads BIGINT[] NOT NULL,
	stepped INTEGER NOT NULL,
	held INTEGER NOT NULL,
	dead INTEGER NOT NULL,
	dropped INTEGER NOT NULL,
	drained INTEGER NOT NULL,
	token_read BYTEA NOT NULL,
	token BYTEA NOT NULL,
	writer TEXT COLLATE "C" NOT NULL,
	at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
	PRIMARY KEY (shard, batch)
);
COMMENT ON TABLE batches IS 'One row for each step transaction and shard: where its cursors stood before and after, and who wrote.';

CREATE TABLE channels (
	tenant INTEGER NOT NULL,
	machine INTEGER NOT NULL,
	name TEXT COLLATE "C" NOT NULL,
	revision BIGINT NOT NULL,
	version INTEGER NOT NULL,
	all_revision BIGINT,
	all_version INTEGER,
	moved_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
	PRIMARY KEY (tenant, machine, name)
);
COMMENT ON TABLE channels IS 'version: for births. all_version: for live instances that were placed before all_revision.';

CREATE TABLE cursors (
	shard SMALLINT NOT NULL,
	numbers BIGINT[] DEFAULT '{0,0,0,0,0,0,0,0}'::bigint[] NOT NULL,
	n BIGINT DEFAULT 0 NOT NULL,
	batch BIGINT DEFAULT 0 NOT NULL,
	outbox BIGINT DEFAULT 0 NOT NULL,
	token BYTEA DEFAULT '\x'::bytea NOT NULL,
	writer TEXT COLLATE "C" DEFAULT '' NOT NULL,
	draining BOOLEAN DEFAULT false NOT NULL,
	at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
	PRIMARY KEY (shard)
)
 WITH (fillfactor = 20);
COMMENT ON TABLE cursors IS 'The last number applied, by queue; the last n of the journal; the last number of the outbox.';

CREATE TABLE dead_letters (
	id BIGSERIAL NOT NULL,
	tenant INTEGER,
	status TEXT COLLATE "C" DEFAULT 'open' NOT NULL,
	stage TEXT COLLATE "C" NOT NULL,
	code TEXT COLLATE "C" NOT NULL,
	what TEXT COLLATE "C" NOT NULL,
	place TEXT COLLATE "C" NOT NULL,
	remedy TEXT COLLATE "C" NOT NULL,
	topic_id TEXT COLLATE "C",
	topic TEXT COLLATE "C",
	partition INTEGER,
	"offset" BIGINT,
	headers TEXT COLLATE "C",
	raw BYTEA,
	shard SMALLINT,
	queue SMALLINT,
	number BIGINT,
	instance BIGINT,
	machine TEXT COLLATE "C",
	key TEXT COLLATE "C",
	event_id TEXT COLLATE "C",
	source TEXT COLLATE "C",
	type TEXT COLLATE "C",
	event TEXT COLLATE "C",
	attempts INTEGER DEFAULT 1 NOT NULL,
	worker TEXT COLLATE "C" DEFAULT '' NOT NULL,
	traceparent TEXT COLLATE "C",
	at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
	ended_at TIMESTAMP WITH TIME ZONE,
	ended_by TEXT COLLATE "C",
	PRIMARY KEY (id),
	CONSTRAINT dead_letters_status CHECK (status IN ('open', 'redriven', 'discarded')),
	CONSTRAINT dead_letters_stage CHECK (stage IN ('decode', 'route', 'step', 'park', 'send'))
);
CREATE INDEX dead_letters_tenant ON dead_letters (tenant, id);
CREATE INDEX dead_letters_place ON dead_letters (shard, queue, number) WHERE number IS NOT NULL;
CREATE INDEX dead_letters_parked ON dead_letters (instance) WHERE status = 'open' AND stage = 'park';
COMMENT ON TABLE dead_letters IS 'Events set aside with their reason. Stage park: the event itself waits in held, first of its instance. Stage send: a message that its topic does not take; number is the n of its journal row.';

CREATE TABLE dedupe (
	generation SMALLINT NOT NULL,
	tenant INTEGER NOT NULL,
	claim BYTEA NOT NULL,
	payload_hash BYTEA NOT NULL,
	PRIMARY KEY (tenant, claim, generation)
)
 PARTITION BY LIST (generation);
COMMENT ON TABLE dedupe IS 'Which events were accepted within the window. A claim begins with the id.';

CREATE TABLE heads (
	shard SMALLINT NOT NULL,
	numbers BIGINT[] DEFAULT '{0,0,0,0,0,0,0,0}'::bigint[] NOT NULL,
	segment SMALLINT DEFAULT 0 NOT NULL,
	at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
	front_at TIMESTAMP WITH TIME ZONE,
	PRIMARY KEY (shard)
)
 WITH (fillfactor = 20);
COMMENT ON TABLE heads IS 'The last number given, by queue (places 1 to 8), and when a front door last gave one.';

CREATE TABLE held (
	shard SMALLINT NOT NULL,
	queue SMALLINT NOT NULL,
	number BIGINT NOT NULL,
	tenant INTEGER NOT NULL,
	machine INTEGER NOT NULL,
	key TEXT COLLATE "C" NOT NULL,
	kind SMALLINT DEFAULT 0 NOT NULL,
	event_id TEXT COLLATE "C" NOT NULL,
	source TEXT COLLATE "C" NOT NULL,
	type TEXT COLLATE "C" NOT NULL,
	time TEXT COLLATE "C",
	data TEXT COLLATE "C",
	traceparent TEXT COLLATE "C",
	instance BIGINT,
	timer TEXT COLLATE "C",
	armed BIGINT,
	at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
	holder BIGINT NOT NULL,
	PRIMARY KEY (shard, holder, queue, number)
);
COMMENT ON TABLE held IS 'Events of an instance (holder) that is not running, whole; cursors have passed them.';

CREATE TABLE inbox (
	segment SMALLINT NOT NULL,
	shard SMALLINT NOT NULL,
	queue SMALLINT NOT NULL,
	number BIGINT NOT NULL,
	tenant INTEGER NOT NULL,
	machine INTEGER NOT NULL,
	key TEXT COLLATE "C" NOT NULL,
	kind SMALLINT DEFAULT 0 NOT NULL,
	event_id TEXT COLLATE "C" NOT NULL,
	source TEXT COLLATE "C" NOT NULL,
	type TEXT COLLATE "C" NOT NULL,
	time TEXT COLLATE "C",
	data TEXT COLLATE "C",
	traceparent TEXT COLLATE "C",
	instance BIGINT,
	timer TEXT COLLATE "C",
	armed BIGINT,
	at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
	PRIMARY KEY (segment, shard, queue, number)
)
 PARTITION BY LIST (segment);
COMMENT ON TABLE inbox IS 'Events that wait to be stepped: insert only, read by cursors, emptied by TRUNCATE of a segment.';

CREATE TABLE inbox_late (
	shard SMALLINT NOT NULL,
	queue SMALLINT NOT NULL,
	number BIGINT NOT NULL,
	tenant INTEGER NOT NULL,
	machine INTEGER NOT NULL,
	key TEXT COLLATE "C" NOT NULL,
	kind SMALLINT DEFAULT 0 NOT NULL,
	event_id TEXT COLLATE "C" NOT NULL,
	source TEXT COLLATE "C" NOT NULL,
	type TEXT COLLATE "C" NOT NULL,
	time TEXT COLLATE "C",
	data TEXT COLLATE "C",
	traceparent TEXT COLLATE "C",
	instance BIGINT,
	timer TEXT COLLATE "C",
	armed BIGINT,
	at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
	PRIMARY KEY (shard, queue, number)
);
COMMENT ON TABLE inbox_late IS 'What a shard that lags had left in a segment when it was emptied; same numbers.';

CREATE TABLE installation (
	one BOOLEAN DEFAULT true NOT NULL,
	shards SMALLINT NOT NULL,
	map_epoch INTEGER DEFAULT 1 NOT NULL,
	revision BIGINT DEFAULT 1 NOT NULL,
	semantics INTEGER DEFAULT 1 NOT NULL,
	secret BYTEA NOT NULL,
	PRIMARY KEY (one),
	CONSTRAINT only_one CHECK (one),
	CONSTRAINT shards_power_of_two CHECK (shards BETWEEN 1 AND 4096 AND shards & (shards - 1) = 0)
);
COMMENT ON TABLE installation IS 'What holds for the whole installation; revision moves with every change of the registry.';

CREATE TABLE instances (
	shard SMALLINT NOT NULL,
	id BIGINT NOT NULL,
	tenant INTEGER NOT NULL,
	machine INTEGER NOT NULL,
	key TEXT COLLATE "C" NOT NULL,
	channel TEXT COLLATE "C" NOT NULL,
	placed BIGINT NOT NULL,
	version INTEGER NOT NULL,
	semantics INTEGER NOT NULL,
	position BIGINT NOT NULL,
	n BIGINT NOT NULL,
	mode TEXT COLLATE "C" DEFAULT 'running' NOT NULL,
	state TEXT COLLATE "C" NOT NULL,
	note TEXT COLLATE "C",
	released BOOLEAN DEFAULT false NOT NULL,
	born_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
	stepped_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
	PRIMARY KEY (shard, id),
	CONSTRAINT instances_mode CHECK (mode IN ('running', 'held', 'draining'))
)
 WITH (fillfactor = 70);
CREATE UNIQUE INDEX instances_address ON instances (shard, tenant, machine, key) WHERE NOT released;
CREATE INDEX instances_not_running ON instances (shard, id) WHERE mode <> 'running';
COMMENT ON TABLE instances IS 'The present of every life: state is the engine''s canonical form, n its last journal row.';

CREATE TABLE intakes (
	topic_id TEXT COLLATE "C" NOT NULL,
	partition INTEGER NOT NULL,
	first BIGINT NOT NULL,
	next BIGINT NOT NULL,
	accepted INTEGER NOT NULL,
	duplicates INTEGER NOT NULL,
	dead INTEGER NOT NULL,
	writer TEXT COLLATE "C" NOT NULL,
	at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
	PRIMARY KEY (topic_id, partition, first)
);
COMMENT ON TABLE intakes IS 'One row for each move of an offset: what became of the records from first up to next.';

CREATE TABLE journal (
	shard SMALLINT NOT NULL,
	n BIGINT NOT NULL,
	tenant INTEGER NOT NULL,
	instance BIGINT NOT NULL,
	position BIGINT NOT NULL,
	previous_n BIGINT,
	kind SMALLINT NOT NULL,
	outcome SMALLINT NOT NULL,
	version INTEGER NOT NULL,
	semantics INTEGER NOT NULL,
	queue SMALLINT,
	number BIGINT,
	event_id TEXT COLLATE "C",
	source TEXT COLLATE "C",
	type TEXT COLLATE "C",
	time TEXT COLLATE "C",
	data TEXT COLLATE "C",
	traceparent TEXT COLLATE "C",
	timer TEXT COLLATE "C",
	armed BIGINT,
	transitions BYTEA,
	state_hash BYTEA NOT NULL,
	state TEXT COLLATE "C",
	detail TEXT COLLATE "C",
	at TIMESTAMP WITH TIME ZONE NOT NULL,
	PRIMARY KEY (shard, n)
);
COMMENT ON TABLE journal IS 'One row for each macrostep or administrative move: the truth, never updated. `at` is the step''s `now`.';

CREATE TABLE machines (
	number SERIAL NOT NULL,
	tenant INTEGER NOT NULL,
	name TEXT COLLATE "C" NOT NULL,
	at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
	PRIMARY KEY (number),
	CONSTRAINT machines_tenant_name_key UNIQUE (tenant, name)
);

CREATE TABLE offsets (
	topic_id TEXT COLLATE "C" NOT NULL,
	partition INTEGER NOT NULL,
	topic TEXT COLLATE "C" NOT NULL,
	next BIGINT NOT NULL,
	stopped TEXT COLLATE "C",
	at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
	PRIMARY KEY (topic_id, partition)
)
 WITH (fillfactor = 50);
COMMENT ON TABLE offsets IS 'The next Kafka offset to take, moved by compare-and-set in the transaction that fills the inbox.';

CREATE TABLE operations (
	tenant INTEGER NOT NULL,
	id TEXT COLLATE "C" NOT NULL,
	what TEXT COLLATE "C" NOT NULL,
	detail TEXT COLLATE "C" NOT NULL,
	by TEXT COLLATE "C" DEFAULT '' NOT NULL,
	at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
	PRIMARY KEY (tenant, id)
);
COMMENT ON TABLE operations IS 'Administrative calls by their operation id: a call that is repeated answers with what it did.';

CREATE TABLE outbox (
	segment SMALLINT NOT NULL,
	shard SMALLINT NOT NULL,
	number BIGINT NOT NULL,
	tenant INTEGER NOT NULL,
	machine INTEGER NOT NULL,
	key TEXT COLLATE "C" NOT NULL,
	n BIGINT NOT NULL,
	id TEXT COLLATE "C" NOT NULL,
	topic TEXT COLLATE "C" NOT NULL,
	body TEXT COLLATE "C" NOT NULL,
	traceparent TEXT COLLATE "C",
	at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
	PRIMARY KEY (segment, shard, number)
)
 PARTITION BY LIST (segment);
COMMENT ON TABLE outbox IS 'Messages that wait to be sent, numbered gapless per shard.';

CREATE TABLE outbox_late (
	shard SMALLINT NOT NULL,
	number BIGINT NOT NULL,
	tenant INTEGER NOT NULL,
	machine INTEGER NOT NULL,
	key TEXT COLLATE "C" NOT NULL,
	n BIGINT NOT NULL,
	id TEXT COLLATE "C" NOT NULL,
	topic TEXT COLLATE "C" NOT NULL,
	body TEXT COLLATE "C" NOT NULL,
	traceparent TEXT COLLATE "C",
	at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
	PRIMARY KEY (shard, number)
);
COMMENT ON TABLE outbox_late IS 'What was unsent in a segment when it was emptied; same numbers.';

CREATE TABLE relays (
	shard SMALLINT NOT NULL,
	sent BIGINT DEFAULT 0 NOT NULL,
	changes BIGINT DEFAULT 0 NOT NULL,
	writer TEXT COLLATE "C" DEFAULT '' NOT NULL,
	at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
	PRIMARY KEY (shard)
)
 WITH (fillfactor = 20);
COMMENT ON TABLE relays IS 'How far each shard''s outbox (sent) and journal (changes) have been confirmed by Kafka.';

CREATE TABLE rings (
	name TEXT COLLATE "C" NOT NULL,
	segment SMALLINT DEFAULT 0 NOT NULL,
	segments SMALLINT NOT NULL,
	ready BOOLEAN DEFAULT true NOT NULL,
	rotated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
	PRIMARY KEY (name)
);
COMMENT ON TABLE rings IS 'Which segment of a ring is written, and whether the one after it is empty.';

CREATE TABLE routes (
	tenant INTEGER NOT NULL,
	name TEXT COLLATE "C" NOT NULL,
	topic TEXT COLLATE "C" NOT NULL,
	ordinal INTEGER DEFAULT 0 NOT NULL,
	definition TEXT COLLATE "C" NOT NULL,
	enabled BOOLEAN DEFAULT true NOT NULL,
	at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
	PRIMARY KEY (tenant, name)
);
COMMENT ON TABLE routes IS 'How records of a foreign topic become events: CEL expressions in canonical JSON.';

CREATE TABLE schemas (
	tenant INTEGER NOT NULL,
	name TEXT COLLATE "C" NOT NULL,
	schema TEXT COLLATE "C" NOT NULL,
	at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
	PRIMARY KEY (tenant, name)
);
COMMENT ON TABLE schemas IS 'JSON Schemas that routes name for the records of foreign topics.';

CREATE TABLE tenants (
	number SERIAL NOT NULL,
	slug TEXT COLLATE "C" NOT NULL,
	at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
	PRIMARY KEY (number),
	CONSTRAINT tenants_slug_key UNIQUE (slug)
);

CREATE TABLE timers (
	segment SMALLINT NOT NULL,
	shard SMALLINT NOT NULL,
	instance BIGINT NOT NULL,
	timer TEXT COLLATE "C" NOT NULL,
	armed BIGINT NOT NULL,
	due TIMESTAMP WITH TIME ZONE NOT NULL,
	ordinal SMALLINT DEFAULT 0 NOT NULL,
	tenant INTEGER NOT NULL,
	machine INTEGER NOT NULL,
	key TEXT COLLATE "C" NOT NULL,
	queue SMALLINT NOT NULL,
	type TEXT COLLATE "C" NOT NULL,
	data TEXT COLLATE "C",
	traceparent TEXT COLLATE "C",
	PRIMARY KEY (segment, shard, instance, timer, armed)
)
 PARTITION BY LIST (segment);
CREATE INDEX timers_due ON timers (due);
COMMENT ON TABLE timers IS 'Armed timers. A row is a hint: the timer counts only if the instance''s state still has (timer, armed).';

CREATE TABLE timers_late (
	shard SMALLINT NOT NULL,
	instance BIGINT NOT NULL,
	timer TEXT COLLATE "C" NOT NULL,
	armed BIGINT NOT NULL,
	due TIMESTAMP WITH TIME ZONE NOT NULL,
	ordinal SMALLINT DEFAULT 0 NOT NULL,
	tenant INTEGER NOT NULL,
	machine INTEGER NOT NULL,
	key TEXT COLLATE "C" NOT NULL,
	queue SMALLINT NOT NULL,
	type TEXT COLLATE "C" NOT NULL,
	data TEXT COLLATE "C",
	traceparent TEXT COLLATE "C",
	PRIMARY KEY (shard, instance, timer, armed)
);
CREATE INDEX timers_late_due ON timers_late (due);
COMMENT ON TABLE timers_late IS 'Timers that were still armed when their segment was emptied.';

CREATE TABLE topics (
	topic TEXT COLLATE "C" NOT NULL,
	tenant INTEGER NOT NULL,
	at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
	PRIMARY KEY (topic)
);
COMMENT ON TABLE topics IS 'Which tenant the events of a Kafka topic belong to.';

CREATE TABLE versions (
	tenant INTEGER NOT NULL,
	machine INTEGER NOT NULL,
	version INTEGER NOT NULL,
	hash TEXT COLLATE "C" NOT NULL,
	definition TEXT COLLATE "C" NOT NULL,
	source TEXT COLLATE "C" NOT NULL,
	published_by TEXT COLLATE "C" DEFAULT '' NOT NULL,
	published_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
	deprecated_at TIMESTAMP WITH TIME ZONE,
	PRIMARY KEY (tenant, machine, version),
	CONSTRAINT versions_tenant_machine_hash_key UNIQUE (tenant, machine, hash)
);
COMMENT ON TABLE versions IS 'Immutable editions of machines; definition is the canonical form, source what was published.';
