FROM events ORDER BY event_id
SELECT name, count(*), sum(amount_minor) FILTER (WHERE event_id > 5) FROM events GROUP BY ALL ORDER BY ALL
SELECT properties->>'a.b', properties->>'$.a.b', properties->'a'->>'b', properties->>'/a/b' FROM events ORDER BY event_id
SELECT json_extract_string(properties, '$.l[1]'), json_extract(properties, 'a.b') FROM events ORDER BY event_id
WITH events AS (SELECT * FROM events WHERE event_id < 9) SELECT count(*) FROM events
WITH a AS (SELECT 1 AS x), b AS (SELECT x + 1 AS y FROM a) SELECT * FROM a, b
WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 9) SELECT sum(n) FROM t
SELECT date_trunc('month', occurred_at) AS m, count(*) FROM events GROUP BY 1 ORDER BY m DESC LIMIT 5
SELECT list_transform([1, 2, 3], lambda x: x * 2), [x * 2 FOR x IN [1, 2] IF x > 1]
SELECT {'a': 1, 'b': [1, 2]}.b, [1, 2, 3][1:2], [1, 2, 3][-1], map {'a': 1}['a'], 'abc'[1], struct_pack(k := 1)
SELECT event_id, row_number() OVER (PARTITION BY name ORDER BY occurred_at) AS n FROM events QUALIFY n = 1 ORDER BY 1
SELECT event_id, sum(amount_minor) OVER (ORDER BY event_id ROWS BETWEEN 2 PRECEDING AND CURRENT ROW EXCLUDE TIES) FROM events ORDER BY 1
SELECT last_value(customer_id IGNORE NULLS) OVER (ORDER BY event_id), lag(name, 2, 'x') OVER (ORDER BY event_id) FROM events
SELECT * EXCLUDE (properties) REPLACE (upper(name) AS name) FROM events ORDER BY event_id
SELECT max(COLUMNS('.*_id')) FROM events
SELECT * FROM events e LEFT JOIN customers USING (customer_id) WHERE customer_id IS NOT NULL ORDER BY event_id
SELECT e.event_id FROM events e SEMI JOIN sessions s ON s.user_id = e.customer_id ORDER BY ALL
SELECT e.event_id FROM events e ANTI JOIN sessions s ON s.user_id = e.customer_id ORDER BY ALL
SELECT a.event_id, b.event_id FROM events a ASOF JOIN events b ON a.name = b.name AND a.occurred_at > b.occurred_at ORDER BY ALL
SELECT c.customer_id, x.n FROM customers c, LATERAL (SELECT count(*) AS n FROM events e WHERE e.customer_id = c.customer_id) x ORDER BY ALL
SELECT * FROM (VALUES (1, 'a'), (2, 'b')) v(i, t) ORDER BY i DESC
SELECT i FROM range(5) t(i) UNION ALL SELECT i FROM generate_series(1, 3) t(i) ORDER BY 1
SELECT unnest([1, 2]), unnest({'a': 1})
SELECT name FROM events UNION SELECT customer_id FROM customers EXCEPT SELECT 'n1' ORDER BY 1 NULLS FIRST
SELECT 1 AS a, 2 AS b UNION ALL BY NAME SELECT 3 AS b, 4 AS a
SELECT name, count(*) FROM events GROUP BY ROLLUP (name) ORDER BY ALL
SELECT name, amount_minor, grouping(name), count(*) FROM events GROUP BY GROUPING SETS ((name), (amount_minor), ()) ORDER BY ALL
SELECT DISTINCT ON (name) name, event_id FROM events ORDER BY name, event_id DESC
SELECT 7 // 2, 7 / 2, -7 % 3, 2 ** 3, 2 ^ 3, 1 = 1 AND NOT false, 5 & 3, 5 | 3, 1 << 4, ~5, 1 IS DISTINCT FROM NULL
SELECT 'it''s', E'a\nb', $$dollar$$, 1e3, 1_000, .5, 'a' || NULL, concat('a', NULL), 'x' LIKE '_', 'A' ILIKE 'a', 'a%' LIKE 'a\%' ESCAPE '\'
SELECT 'abc' ~ 'a.*', 'abc' SIMILAR TO 'a', regexp_extract('abc', '(b)', 1), regexp_replace('aaa', 'a', 'b', 'g'), 'a' GLOB 'a*'
SELECT extract(year FROM occurred_at), date_part('dow', occurred_at), dayname(occurred_at), occurred_at::DATE, occurred_at - INTERVAL 1 DAY FROM events ORDER BY event_id
SELECT datediff('day', DATE '2024-01-31', DATE '2024-03-01'), date_diff('month', DATE '2024-01-31', DATE '2024-03-01'), date_add(DATE '2024-01-31', INTERVAL 1 MONTH)
SELECT strftime(occurred_at, '%Y-%m'), time_bucket(INTERVAL '3 days', occurred_at), epoch(occurred_at), last_day(occurred_at) FROM events ORDER BY event_id
SELECT occurred_at AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Berlin' FROM events ORDER BY event_id
SELECT quantile_cont(amount_minor, 0.9), median(amount_minor), arg_max(name, event_id), string_agg(name, ',' ORDER BY event_id), list(name ORDER BY event_id DESC)[1:3] FROM events
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY amount_minor), mode(name), stddev(amount_minor), count(DISTINCT name), any_value(name ORDER BY event_id) FROM events
SELECT CASE amount_minor WHEN 1 THEN 'one' ELSE 'more' END, coalesce(customer_id, name), nullif(name, 'n1'), ifnull(customer_id, ''), if(event_id > 3, 1, 0) FROM events ORDER BY event_id
SELECT try_cast(name AS INT), amount_minor::DECIMAL(10, 2), CAST(event_id AS DOUBLE), event_id::VARCHAR FROM events ORDER BY event_id
SELECT cast(name AS INT) FROM events
SELECT nothing FROM events
SELECT event_id IN (SELECT 3), EXISTS (SELECT 1 FROM sessions), (SELECT max(event_id) FROM events), 3 > ALL (SELECT 2), event_id BETWEEN 2 AND 4 FROM events ORDER BY event_id
SELECT "name" AS "weird ""name", events.event_id FROM events ORDER BY events.event_id DESC NULLS LAST LIMIT 3 OFFSET 2
SELECT substring('abc', 2), position('b' IN 'abc'), trim(BOTH 'x' FROM 'xax'), split_part('a_b', '_', 2), left('abc', -1), replace('a', 'a', 'b'), strpos('abc', 'c')
SELECT round(2.5), round(1.234, 2), floor(-1.5), greatest(1, NULL, 3), least(2, 1), abs(-1), sign(-2), ln(1), log(100), log(2, 8), power(2, 3), sqrt(4), mod(7, 3), trunc(1.9)
SELECT name FROM events TABLESAMPLE 100 PERCENT (system) ORDER BY event_id
