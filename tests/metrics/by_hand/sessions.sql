-- total
WITH steps AS (
    SELECT *, session IS NOT NULL AS numbered, coalesce(session, "user") AS who
    FROM events
    WHERE session IS NOT NULL
       OR "user" IS NOT NULL AND name NOT IN ('order_cancelled', 'order_refunded')
), gaps AS (
    SELECT *, NOT numbered AND happened_at - lag(happened_at)
        OVER (PARTITION BY numbered, who ORDER BY happened_at) > INTERVAL 30 MINUTE AS is_first
    FROM steps
), parted AS (
    SELECT *, count(*) FILTER (is_first)
        OVER (PARTITION BY numbered, who ORDER BY happened_at) AS part
    FROM gaps
), visits AS (
    SELECT min(happened_at) AS began, max(happened_at) AS ended,
        arg_min(country, (happened_at, id)) AS country, arg_min(plan, (happened_at, id)) AS plan,
        count(*) FILTER (name IN ('page_viewed', 'screen_viewed')) AS pages,
        count(*) FILTER (name NOT IN ('page_viewed', 'screen_viewed', 'session_started')) AS acts
    FROM parted
    GROUP BY numbered, who, part
)
SELECT count(*)
FROM visits
WHERE began >= '2024-01-01' AND began < '2024-04-01';

-- month by country
WITH steps AS (
    SELECT *, session IS NOT NULL AS numbered, coalesce(session, "user") AS who
    FROM events
    WHERE session IS NOT NULL
       OR "user" IS NOT NULL AND name NOT IN ('order_cancelled', 'order_refunded')
), gaps AS (
    SELECT *, NOT numbered AND happened_at - lag(happened_at)
        OVER (PARTITION BY numbered, who ORDER BY happened_at) > INTERVAL 30 MINUTE AS is_first
    FROM steps
), parted AS (
    SELECT *, count(*) FILTER (is_first)
        OVER (PARTITION BY numbered, who ORDER BY happened_at) AS part
    FROM gaps
), visits AS (
    SELECT min(happened_at) AS began, max(happened_at) AS ended,
        arg_min(country, (happened_at, id)) AS country, arg_min(plan, (happened_at, id)) AS plan,
        count(*) FILTER (name IN ('page_viewed', 'screen_viewed')) AS pages,
        count(*) FILTER (name NOT IN ('page_viewed', 'screen_viewed', 'session_started')) AS acts
    FROM parted
    GROUP BY numbered, who, part
)
SELECT date_trunc('month', began)::DATE, country, count(*)
FROM visits
WHERE began >= '2024-01-01' AND began < '2024-04-01'
GROUP BY 1, 2
ORDER BY 1, 2 NULLS LAST;

-- month, pro plan outside France
WITH steps AS (
    SELECT *, session IS NOT NULL AS numbered, coalesce(session, "user") AS who
    FROM events
    WHERE session IS NOT NULL
       OR "user" IS NOT NULL AND name NOT IN ('order_cancelled', 'order_refunded')
), gaps AS (
    SELECT *, NOT numbered AND happened_at - lag(happened_at)
        OVER (PARTITION BY numbered, who ORDER BY happened_at) > INTERVAL 30 MINUTE AS is_first
    FROM steps
), parted AS (
    SELECT *, count(*) FILTER (is_first)
        OVER (PARTITION BY numbered, who ORDER BY happened_at) AS part
    FROM gaps
), visits AS (
    SELECT min(happened_at) AS began, max(happened_at) AS ended,
        arg_min(country, (happened_at, id)) AS country, arg_min(plan, (happened_at, id)) AS plan,
        count(*) FILTER (name IN ('page_viewed', 'screen_viewed')) AS pages,
        count(*) FILTER (name NOT IN ('page_viewed', 'screen_viewed', 'session_started')) AS acts
    FROM parted
    GROUP BY numbered, who, part
)
SELECT date_trunc('month', began)::DATE, count(*)
FROM visits
WHERE began >= '2024-01-01' AND began < '2024-04-01'
  AND plan = 'pro' AND (country <> 'France' OR country IS NULL)
GROUP BY 1
ORDER BY 1;
