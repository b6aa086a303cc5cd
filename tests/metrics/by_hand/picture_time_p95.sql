-- total
SELECT quantile_cont(try_cast(seconds AS DECIMAL(18, 6))::DOUBLE, 0.95)
FROM events
WHERE name IN ('picture_generated', 'app_picture_generated')
  AND happened_at >= '2024-01-01' AND happened_at < '2024-04-01';

-- month by country
SELECT date_trunc('month', happened_at)::DATE, country, quantile_cont(try_cast(seconds AS DECIMAL(18, 6))::DOUBLE, 0.95)
FROM events
WHERE name IN ('picture_generated', 'app_picture_generated')
  AND happened_at >= '2024-01-01' AND happened_at < '2024-04-01'
GROUP BY 1, 2
ORDER BY 1, 2 NULLS LAST;

-- month, pro plan outside France
SELECT date_trunc('month', happened_at)::DATE, quantile_cont(try_cast(seconds AS DECIMAL(18, 6))::DOUBLE, 0.95)
FROM events
WHERE name IN ('picture_generated', 'app_picture_generated')
  AND happened_at >= '2024-01-01' AND happened_at < '2024-04-01'
  AND plan = 'pro' AND (country <> 'France' OR country IS NULL)
GROUP BY 1
ORDER BY 1;

-- month by category, but ink
SELECT date_trunc('month', happened_at)::DATE, category, quantile_cont(try_cast(seconds AS DECIMAL(18, 6))::DOUBLE, 0.95)
FROM events
WHERE name IN ('picture_generated', 'app_picture_generated')
  AND happened_at >= '2024-01-01' AND happened_at < '2024-04-01'
  AND (category <> 'ink' OR category IS NULL)
GROUP BY 1, 2
ORDER BY 1, 2 NULLS LAST;
