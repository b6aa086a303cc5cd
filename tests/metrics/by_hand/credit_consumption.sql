-- total
SELECT coalesce(sum(quantity) FILTER (name = 'credits_used'), 0) / nullif(sum(quantity) FILTER (name <> 'credits_used'), 0)
FROM events
WHERE name IN ('credits_used', 'credits_granted', 'credits_bought')
  AND happened_at < '2024-04-01';

-- month by country
SELECT month, country, (
    SELECT coalesce(sum(quantity) FILTER (name = 'credits_used'), 0) / nullif(sum(quantity) FILTER (name <> 'credits_used'), 0)
    FROM events e
    WHERE name IN ('credits_used', 'credits_granted', 'credits_bought')
      AND e.country IS NOT DISTINCT FROM c.country
      AND date_trunc('month', happened_at) <= month
    )
FROM (VALUES (DATE '2024-01-01'), (DATE '2024-02-01'), (DATE '2024-03-01')) m (month)
CROSS JOIN (
    SELECT DISTINCT country FROM events
    WHERE name IN ('credits_used', 'credits_granted', 'credits_bought') AND happened_at < '2024-04-01'
    ) c
ORDER BY 1, 2 NULLS LAST;

-- month, pro plan outside France
SELECT month, (
    SELECT coalesce(sum(quantity) FILTER (name = 'credits_used'), 0) / nullif(sum(quantity) FILTER (name <> 'credits_used'), 0)
    FROM events
    WHERE name IN ('credits_used', 'credits_granted', 'credits_bought')
      AND date_trunc('month', happened_at) <= month
      AND plan = 'pro' AND (country <> 'France' OR country IS NULL)
    )
FROM (VALUES (DATE '2024-01-01'), (DATE '2024-02-01'), (DATE '2024-03-01')) m (month)
ORDER BY 1;

-- month by partner, but Alba
SELECT month, partner, (
    SELECT coalesce(sum(quantity) FILTER (name = 'credits_used'), 0) / nullif(sum(quantity) FILTER (name <> 'credits_used'), 0)
    FROM events e
    WHERE name IN ('credits_used', 'credits_granted', 'credits_bought')
      AND e.partner IS NOT DISTINCT FROM c.partner
      AND date_trunc('month', happened_at) <= month
    )
FROM (VALUES (DATE '2024-01-01'), (DATE '2024-02-01'), (DATE '2024-03-01')) m (month)
CROSS JOIN (
    SELECT DISTINCT partner FROM events
    WHERE name IN ('credits_used', 'credits_granted', 'credits_bought') AND happened_at < '2024-04-01'
      AND (partner <> 'Alba' OR partner IS NULL)
    ) c
ORDER BY 1, 2 NULLS LAST;
