-- total
SELECT quantile_cont(took, 0.95) / 1000000
FROM events
WHERE name IN ('request_served', 'request_refused', 'request_failed')
  AND happened_at >= '2024-01-01' AND happened_at < '2024-04-01';

-- month by status
SELECT date_trunc('month', happened_at)::DATE, status, quantile_cont(took, 0.95) / 1000000
FROM events
WHERE name IN ('request_served', 'request_refused', 'request_failed')
  AND happened_at >= '2024-01-01' AND happened_at < '2024-04-01'
GROUP BY 1, 2
ORDER BY 1, 2 NULLS LAST;

-- month, of / but HEAD
SELECT date_trunc('month', happened_at)::DATE, quantile_cont(took, 0.95) / 1000000
FROM events
WHERE name IN ('request_served', 'request_refused', 'request_failed')
  AND happened_at >= '2024-01-01' AND happened_at < '2024-04-01'
  AND path = '/' AND (method <> 'HEAD' OR method IS NULL)
GROUP BY 1
ORDER BY 1;
