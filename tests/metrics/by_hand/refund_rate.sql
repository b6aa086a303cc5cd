-- total
SELECT CASE WHEN count(*) FILTER (name = 'order_placed') = 0 THEN NULL
    ELSE coalesce(-sum(amount) FILTER (name = 'order_refunded'), 0)::DOUBLE
        / sum(amount) FILTER (name = 'order_placed') END
FROM events
WHERE name IN ('order_placed', 'order_refunded')
  AND happened_at >= '2024-01-01' AND happened_at < '2024-04-01';

-- month by country
SELECT date_trunc('month', happened_at)::DATE, country, CASE WHEN count(*) FILTER (name = 'order_placed') = 0 THEN NULL
    ELSE coalesce(-sum(amount) FILTER (name = 'order_refunded'), 0)::DOUBLE
        / sum(amount) FILTER (name = 'order_placed') END
FROM events
WHERE name IN ('order_placed', 'order_refunded')
  AND happened_at >= '2024-01-01' AND happened_at < '2024-04-01'
GROUP BY 1, 2
ORDER BY 1, 2 NULLS LAST;

-- month, pro plan outside France
SELECT date_trunc('month', happened_at)::DATE, CASE WHEN count(*) FILTER (name = 'order_placed') = 0 THEN NULL
    ELSE coalesce(-sum(amount) FILTER (name = 'order_refunded'), 0)::DOUBLE
        / sum(amount) FILTER (name = 'order_placed') END
FROM events
WHERE name IN ('order_placed', 'order_refunded')
  AND happened_at >= '2024-01-01' AND happened_at < '2024-04-01'
  AND plan = 'pro' AND (country <> 'France' OR country IS NULL)
GROUP BY 1
ORDER BY 1;
