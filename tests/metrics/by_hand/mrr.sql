-- total
SELECT coalesce(sum(amount), 0)
FROM events
WHERE name IN ('subscription_started', 'subscription_upgraded', 'subscription_downgraded', 'subscription_cancelled')
  AND happened_at < '2024-04-01';

-- month by country
SELECT month, country, (
    SELECT coalesce(sum(amount), 0)
    FROM events e
    WHERE name IN ('subscription_started', 'subscription_upgraded', 'subscription_downgraded', 'subscription_cancelled')
      AND e.country IS NOT DISTINCT FROM c.country
      AND date_trunc('month', happened_at) <= month
    )
FROM (VALUES (DATE '2024-01-01'), (DATE '2024-02-01'), (DATE '2024-03-01')) m (month)
CROSS JOIN (
    SELECT DISTINCT country FROM events
    WHERE name IN ('subscription_started', 'subscription_upgraded', 'subscription_downgraded', 'subscription_cancelled') AND happened_at < '2024-04-01'
    ) c
ORDER BY 1, 2 NULLS LAST;

-- month, pro plan outside France
SELECT month, (
    SELECT coalesce(sum(amount), 0)
    FROM events
    WHERE name IN ('subscription_started', 'subscription_upgraded', 'subscription_downgraded', 'subscription_cancelled')
      AND date_trunc('month', happened_at) <= month
      AND plan = 'pro' AND (country <> 'France' OR country IS NULL)
    )
FROM (VALUES (DATE '2024-01-01'), (DATE '2024-02-01'), (DATE '2024-03-01')) m (month)
ORDER BY 1;

-- month by interval, but year
SELECT month, interval, (
    SELECT coalesce(sum(amount), 0)
    FROM events e
    WHERE name IN ('subscription_started', 'subscription_upgraded', 'subscription_downgraded', 'subscription_cancelled')
      AND e.interval IS NOT DISTINCT FROM c.interval
      AND date_trunc('month', happened_at) <= month
    )
FROM (VALUES (DATE '2024-01-01'), (DATE '2024-02-01'), (DATE '2024-03-01')) m (month)
CROSS JOIN (
    SELECT DISTINCT interval FROM events
    WHERE name IN ('subscription_started', 'subscription_upgraded', 'subscription_downgraded', 'subscription_cancelled') AND happened_at < '2024-04-01'
      AND (interval <> 'year' OR interval IS NULL)
    ) c
ORDER BY 1, 2 NULLS LAST;
