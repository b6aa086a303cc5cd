-- total
SELECT coalesce(sum(quantity), 0)
FROM events
WHERE name = 'credits_used'
  AND happened_at >= '2024-01-01' AND happened_at < '2024-04-01';

-- month by country
SELECT date_trunc('month', happened_at)::DATE, country, coalesce(sum(quantity), 0)
FROM events
WHERE name = 'credits_used'
  AND happened_at >= '2024-01-01' AND happened_at < '2024-04-01'
GROUP BY 1, 2
ORDER BY 1, 2 NULLS LAST;

-- month, pro plan outside France
SELECT date_trunc('month', happened_at)::DATE, coalesce(sum(quantity), 0)
FROM events
WHERE name = 'credits_used'
  AND happened_at >= '2024-01-01' AND happened_at < '2024-04-01'
  AND plan = 'pro' AND (country <> 'France' OR country IS NULL)
GROUP BY 1
ORDER BY 1;
