-- total
WITH ends AS (SELECT DATE '2024-03-31' AS day)
SELECT count(DISTINCT "user")
FROM ends LEFT JOIN events
  ON name = 'app_picture_generated' AND happened_at >= ends.day - INTERVAL 29 DAY AND happened_at < ends.day + INTERVAL 1 DAY;

-- month by country
WITH ends AS (
    SELECT unnest([DATE '2024-01-31', DATE '2024-02-29', DATE '2024-03-31']) AS day
), countries AS (
    SELECT DISTINCT country
    FROM events
    WHERE "user" IS NOT NULL AND name = 'app_picture_generated' AND happened_at >= DATE '2024-01-01' - INTERVAL 29 DAY
      AND happened_at < '2024-04-01'
)
SELECT date_trunc('month', day)::DATE, countries.country, count(DISTINCT "user")
FROM ends CROSS JOIN countries LEFT JOIN events
  ON name = 'app_picture_generated' AND happened_at >= ends.day - INTERVAL 29 DAY AND happened_at < ends.day + INTERVAL 1 DAY
  AND events.country IS NOT DISTINCT FROM countries.country
GROUP BY 1, 2
ORDER BY 1, 2 NULLS LAST;

-- month, pro plan outside France
WITH ends AS (
    SELECT unnest([DATE '2024-01-31', DATE '2024-02-29', DATE '2024-03-31']) AS day
)
SELECT date_trunc('month', day)::DATE, count(DISTINCT "user")
FROM ends LEFT JOIN events
  ON name = 'app_picture_generated' AND happened_at >= ends.day - INTERVAL 29 DAY AND happened_at < ends.day + INTERVAL 1 DAY
  AND plan = 'pro' AND (country <> 'France' OR country IS NULL)
GROUP BY 1
ORDER BY 1;
