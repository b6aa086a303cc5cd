-- total
SELECT coalesce(sum(observed) FILTER (name = 'check_passed'), 0) / sum(observed)
FROM events
WHERE name IN ('check_passed', 'check_failed')
  AND happened_at >= '2024-01-01' AND happened_at < '2024-04-01';

-- month by monitor
SELECT date_trunc('month', happened_at)::DATE, monitor, coalesce(sum(observed) FILTER (name = 'check_passed'), 0) / sum(observed)
FROM events
WHERE name IN ('check_passed', 'check_failed')
  AND happened_at >= '2024-01-01' AND happened_at < '2024-04-01'
GROUP BY 1, 2
ORDER BY 1, 2 NULLS LAST;

-- month, but database
SELECT date_trunc('month', happened_at)::DATE, coalesce(sum(observed) FILTER (name = 'check_passed'), 0) / sum(observed)
FROM events
WHERE name IN ('check_passed', 'check_failed')
  AND happened_at >= '2024-01-01' AND happened_at < '2024-04-01'
  AND (monitor <> 'database' OR monitor IS NULL)
GROUP BY 1
ORDER BY 1;
