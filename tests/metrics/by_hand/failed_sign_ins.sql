-- total
SELECT count(*)
FROM events
WHERE name = 'audit_sign_in_failed'
  AND happened_at >= '2024-01-01' AND happened_at < '2024-04-01';

-- month by actor
SELECT date_trunc('month', happened_at)::DATE, actor, count(*)
FROM events
WHERE name = 'audit_sign_in_failed'
  AND happened_at >= '2024-01-01' AND happened_at < '2024-04-01'
GROUP BY 1, 2
ORDER BY 1, 2 NULLS LAST;

-- month, but p1
SELECT date_trunc('month', happened_at)::DATE, count(*)
FROM events
WHERE name = 'audit_sign_in_failed'
  AND happened_at >= '2024-01-01' AND happened_at < '2024-04-01'
  AND (actor <> 'p1' OR actor IS NULL)
GROUP BY 1
ORDER BY 1;

-- month by action
SELECT date_trunc('month', happened_at)::DATE, action, count(*)
FROM events
WHERE name = 'audit_sign_in_failed'
  AND happened_at >= '2024-01-01' AND happened_at < '2024-04-01'
GROUP BY 1, 2
ORDER BY 1, 2 NULLS LAST;
