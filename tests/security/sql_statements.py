"""Statements that try to get out of the governed views, or to take too much."""

from __future__ import annotations

from analyticspro.warehouse.governed import COLUMNS

# Ended by what it asks of the catalogue, files, network, settings or other tables.
ESCAPES = (
    """
SELECT * FROM hot
SELECT * FROM "hot"
SELECT * FROM main.events
SELECT * FROM "main"."hot"
SELECT * FROM warehouse.main.events
SELECT * FROM temp.main.governed_events
SELECT * FROM governed_events
SELECT * FROM known_ids
SELECT * FROM ledger
SELECT * FROM rejects
SELECT * FROM erasures
SELECT * FROM conflicts
SELECT * FROM promoted
SELECT * FROM archived
SELECT * FROM sources
SELECT * FROM schema_version
SELECT * FROM rollup_day
SELECT * FROM information_schema.tables
SELECT * FROM information_schema.columns
SELECT * FROM sqlite_master
SELECT * FROM sqlite_schema
SELECT * FROM pg_catalog.pg_class
SELECT * FROM pg_tables
SELECT * FROM duckdb_tables
SELECT * FROM duckdb_tables()
SELECT * FROM duckdb_settings()
SELECT * FROM duckdb_secrets()
SELECT * FROM duckdb_logs()
SELECT * FROM duckdb_functions()
SELECT * FROM duckdb_databases()
SELECT * FROM pragma_database_size()
SELECT * FROM pragma_table_info('hot')
SELECT * FROM pragma_storage_info('hot')
SELECT * FROM read_csv('/etc/passwd')
SELECT * FROM read_csv_auto('/etc/passwd')
SELECT * FROM read_text('/etc/passwd')
SELECT * FROM read_blob('/etc/passwd')
SELECT * FROM read_json('/etc/passwd')
SELECT * FROM read_parquet('x.parquet')
SELECT * FROM parquet_scan('x.parquet')
SELECT * FROM parquet_metadata('x.parquet')
SELECT * FROM sniff_csv('/etc/passwd')
SELECT * FROM glob('/etc/*')
SELECT * FROM '/etc/passwd'
SELECT * FROM 'x.csv'
SELECT * FROM "x.parquet"
SELECT * FROM 'http://127.0.0.1/x.csv'
SELECT * FROM READ_TEXT('/etc/passwd')
SELECT * FROM "read_text"('/etc/passwd')
SELECT * FROM system.main.read_text('/etc/passwd')
SELECT main.getenv('HOME')
SELECT * FROM query('SELECT * FROM hot')
SELECT * FROM query_table('hot')
SELECT * FROM query_table(['hot'])
SELECT * FROM seq_scan('hot')
SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT * FROM hot'))
SELECT json_serialize_sql('SELECT 1')
SELECT json_deserialize_sql(json_serialize_sql('SELECT * FROM hot'))
SELECT json_serialize_plan('SELECT * FROM hot')
SELECT * FROM python_map_function()
SELECT * FROM pandas_scan(1)
SELECT * FROM arrow_scan(1, 2, 3)
SELECT * FROM which_secret('x', 'y')
SELECT * FROM test_all_types()
SELECT * FROM repeat('x', 1000000000)
SELECT getenv('HOME')
SELECT getvariable('x')
SELECT current_setting('temp_directory')
SELECT current_database()
SELECT current_catalog
SELECT current_schema()
SELECT current_schemas(true)
SELECT current_query()
SELECT current_user
SELECT session_user
SELECT user
SELECT version()
SELECT txid_current()
SELECT pg_get_viewdef(1)
SELECT in_search_path('a', 'b')
SELECT nextval('x')
SELECT write_log('x')
SELECT sleep_ms(100000)
SELECT pg_sleep(100000)
SELECT error(name) FROM events
SELECT parse_duckdb_log_message('a', 'b')
SELECT aggregate([1], 'sum')
SELECT repeat('x', 1000000000)
SELECT lpad('x', 1000000000, 'y')
SELECT printf('%1000000000d', 1)
SELECT format('{:1000000000d}', 1)
SELECT list_resize([1], 1000000000)
SELECT bar(1, 0, 1, 1000000000)
SELECT list_transform(['hot'], lambda x: query_table(x))
SELECT list_transform(['/etc/passwd'], lambda x: read_text(x))
SELECT list_transform(['HOME'], lambda x: getenv(x))
SELECT list_aggregate([name], current_setting('home_directory')) FROM events
SELECT {'a': getenv('HOME')}.a
SELECT struct_extract({'a': (SELECT max(seq) FROM hot)}, 'a')
SELECT map {'k': getenv('HOME')}['k']
SELECT 'HOME'.getenv()
SELECT '/etc/passwd'.read_text()
SELECT events.getenv() FROM events
SELECT (SELECT count(*) FROM hot)
SELECT * FROM events WHERE event_id IN (SELECT event_id FROM hot)
SELECT * FROM events ORDER BY (SELECT max(seq) FROM hot)
SELECT * FROM events LIMIT (SELECT count(*) FROM hot)
SELECT count(*) FROM events GROUP BY (SELECT max(seq) FROM hot)
SELECT count(*) FROM events HAVING (SELECT max(seq) FROM hot) > 0
SELECT count(*) FILTER (WHERE (SELECT max(seq) FROM hot) > 0) FROM events
SELECT row_number() OVER (ORDER BY (SELECT max(seq) FROM hot)) FROM events
SELECT row_number() OVER w FROM events WINDOW w AS (PARTITION BY (SELECT max(seq) FROM hot))
SELECT * FROM events JOIN hot ON true
SELECT * FROM events, LATERAL (SELECT * FROM hot) x
SELECT * FROM events UNION ALL SELECT * FROM hot
SELECT * FROM (VALUES ((SELECT max(seq) FROM hot))) v
SELECT * FROM unnest((SELECT list(seq) FROM hot))
SELECT * FROM range((SELECT max(seq) FROM hot))
WITH x AS (SELECT * FROM hot) SELECT * FROM x
WITH x AS (WITH y AS (SELECT * FROM hot) SELECT * FROM y) SELECT * FROM x
WITH hot AS (SELECT * FROM hot) SELECT * FROM hot
WITH a AS (SELECT 1), hot AS (SELECT 2) SELECT * FROM main.hot
SELECT * FROM (WITH hot AS (SELECT 1) SELECT * FROM hot) x, hot
WITH a AS (SELECT * FROM hot), hot AS (SELECT 1) SELECT * FROM a
WITH hot AS MATERIALIZED (SELECT 1) SELECT * FROM hot, ledger
FROM hot
FROM hot SELECT seq
TABLE hot
(SELECT * FROM hot)
((SELECT 1) UNION (SELECT max(seq) FROM hot))
SELECT * FROM/**/hot
SELECT * FROM events--
 , hot
SELECT * FROM events /* */ , /* */ hot
SELECT * FROM (hot)
SELECT * FROM ((hot)) x
SELECT * FROM (hot JOIN events ON true)
PIVOT hot ON name USING count(*)
SELECT * FROM hot PIVOT (count(*) FOR name IN ('a'))
SELECT * FROM (PIVOT hot ON name USING count(*))
UNPIVOT hot ON name
SELECT * FROM (DESCRIBE hot)
SELECT * FROM (SHOW TABLES)
SELECT * FROM (SUMMARIZE hot)
SELECT * FROM events AT (VERSION => 1)
SELECT raw FROM events
SELECT seq FROM events
SELECT rowid FROM events
SELECT * FROM ｈｏｔ
SELECT * FROM hоt
SELECT * FROM "hot\u0000"
SELECT * FROM frame
SELECT * FROM secrets
EXPLAIN SELECT * FROM hot
EXPLAIN ANALYZE SELECT * FROM events
DESCRIBE events
SUMMARIZE events
SHOW TABLES
SHOW ALL TABLES
COPY events TO '/tmp/analyticspro-escaped.csv'
COPY (SELECT * FROM events) TO '/tmp/analyticspro-escaped.csv'
COPY hot FROM '/etc/passwd'
EXPORT DATABASE '/tmp/analyticspro-escaped'
IMPORT DATABASE '/tmp/analyticspro-escaped'
ATTACH '/tmp/analyticspro-escaped.db' AS other
DETACH warehouse
USE warehouse
PRAGMA database_list
PRAGMA show_tables
SET lock_configuration = false
SET enable_external_access = true
SET VARIABLE x = 1
RESET memory_limit
INSTALL httpfs
LOAD httpfs
FORCE INSTALL httpfs
CALL pragma_version()
CALL duckdb_tables()
CREATE TABLE x AS SELECT 1
CREATE TEMP TABLE x AS SELECT 1
CREATE MACRO m() AS 1
CREATE VIEW events AS SELECT 1
CREATE SECRET s (TYPE s3)
CREATE OR REPLACE TEMP VIEW governed_events AS FROM hot
INSERT INTO hot SELECT * FROM hot
UPDATE hot SET name = 'x'
DELETE FROM hot
TRUNCATE hot
DROP TABLE hot
ALTER TABLE hot ADD COLUMN x INT
MERGE INTO hot USING events ON true WHEN MATCHED THEN DELETE
SELECT * INTO x FROM events
SELECT * FROM events FOR UPDATE
VACUUM
CHECKPOINT
FORCE CHECKPOINT
ANALYZE
BEGIN
COMMIT
ROLLBACK
PREPARE p AS SELECT * FROM hot
EXECUTE p
EXECUTE p('x')
DEALLOCATE p
COMMENT ON TABLE hot IS 'x'
WITH x AS (INSERT INTO hot SELECT * FROM hot RETURNING *) SELECT * FROM x
WITH x AS (DELETE FROM hot RETURNING *) SELECT * FROM x
SELECT 1; SELECT 2
SELECT 1; DROP TABLE hot
SELECT 1;; COMMIT
SELECT 1 /*; */; COPY events TO '/tmp/analyticspro-escaped.csv'
SELECT $a$; COMMIT; SELECT $a$; COMMIT
COMMIT; SELECT 1
""".strip()
    .replace("events--\n ,", "events--\x01 ,")
    .split("\n")
)

# They are ended by a limit, of the statement or of what it takes.
TOO_MUCH = {
    "cross joins": "SELECT count(*) FROM events a, events b, events c, events d, range(1000000)",
    "of ranges": "SELECT count(*) FROM range(10000000) a, range(10000000) b",
    "sorted": "SELECT * FROM range(10000000) a, range(10000) b ORDER BY random()",
    "endless recursion": "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) "
    "SELECT max(n) FROM t",
    "recursion that doubles rows": "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL "
    "SELECT t.n FROM t, range(50)) SELECT max(n) FROM t",
    "recursion that doubles a text": "WITH RECURSIVE t(s) AS (SELECT 'aa' UNION ALL "
    "SELECT s || s FROM t) SELECT sum(length(s)) FROM t",
    "a list of everything": "SELECT list(a.range) FROM range(10000000) a, range(100) b",
    "a text of everything": "SELECT string_agg(a.range::VARCHAR, ',') FROM range(100000000) a, "
    "range(10) b",
    "joins nobody can plan": "WITH c0 AS NOT MATERIALIZED (SELECT 1 AS a FROM events)"
    + "".join(f", c{n + 1} AS NOT MATERIALIZED (SELECT x.a FROM c{n} x, c{n} y)" for n in range(24))
    + " SELECT count(*) FROM c24",
    "too many tables": "SELECT 1 FROM " + ", ".join(f"events e{n}" for n in range(900)),
    "a cube": f"SELECT 1 FROM events GROUP BY CUBE ({', '.join([*COLUMNS['events']][:14])})",
    "several cubes": "SELECT 1 FROM events GROUP BY "
    + ", ".join(["CUBE (event_id, name, source)"] * 4),
    "brackets": f"SELECT {'(' * 2000}1{')' * 2000}",
    "lists in lists": f"SELECT {'[' * 2000}1{']' * 2000}",
    "subqueries in subqueries": "SELECT * FROM (" * 500 + "SELECT 1" + ")" * 500,
    "sums": f"SELECT {'1 + ' * 4000}1",
    "negations": f"SELECT {'NOT ' * 4000}true",
    "cases": f"SELECT {'CASE WHEN ' * 1500}1",
    "minuses": f"SELECT {'- ' * 4000}1",
    "length": f"SELECT '{'x' * 30_000}'",
}
