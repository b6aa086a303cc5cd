-- total
SELECT count(DISTINCT customer)
FROM events
WHERE name = 'order_placed'
  AND happened_at < '2024-04-01';

-- month by country
SELECT month, country, (
    SELECT count(DISTINCT customer)
    FROM events e
    WHERE name = 'order_placed'
      AND e.country IS NOT DISTINCT FROM c.country
      AND date_trunc('month', happened_at) <= month
    )
FROM (VALUES (DATE '2024-01-01'), (DATE '2024-02-01'), (DATE '2024-03-01')) m (month)
CROSS JOIN (
    SELECT DISTINCT country FROM events
    WHERE name = 'order_placed' AND happened_at < '2024-04-01'
      AND customer IS NOT NULL
    ) c
ORDER BY 1, 2 NULLS LAST;

-- month, pro plan outside France
SELECT month, (
    SELECT count(DISTINCT customer)
    FROM events
    WHERE name = 'order_placed'
      AND date_trunc('month', happened_at) <= month
      AND plan = 'pro' AND (country <> 'France' OR country IS NULL)
    )
FROM (VALUES (DATE '2024-01-01'), (DATE '2024-02-01'), (DATE '2024-03-01')) m (month)
ORDER BY 1;
