-- The segments of the rings. Each is emptied by TRUNCATE, so the same few tables serve for ever.
-- Of the generations of dedupe four hold the window, and one is being emptied.

DO $$
DECLARE
    ring text;
    segments int;
    segment int;
BEGIN
    FOR ring, segments IN VALUES ('inbox', 4), ('outbox', 4), ('timers', 4), ('dedupe', 5) LOOP
        FOR segment IN 0 .. segments - 1 LOOP
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES IN (%s)', ring || '_' || segment, ring, segment);
        END LOOP;
        INSERT INTO rings (name, segments) VALUES (ring, segments);
    END LOOP;
END $$;

-- Rows of these come and go fast: vacuum must not wait for a fifth of the table.
ALTER TABLE heads SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
ALTER TABLE cursors SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
ALTER TABLE relays SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
ALTER TABLE attempts SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
