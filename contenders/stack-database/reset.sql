-- The same 10,000 rows for every visit, in a table without dead rows.
\set ON_ERROR_STOP on
TRUNCATE world;
INSERT INTO world SELECT id, 1 + mod(id * 7919, 10000) FROM generate_series(1, 10000) AS id;
VACUUM ANALYZE world;
CHECKPOINT;
