-- Guests who signed in to an existing account were counted as promoted. They are counted apart, too, from the event log as far
-- back as it goes; the counts of promotions keep their meaning (both). Its twin is 0017_guests_signed_in.postgres.sql.
WITH found AS (
  SELECT
    project_no,
    COALESCE(client_id, '') AS client_id,
    created_at,
    replace(json_extract(body, '$.payload.anonymous_user.id'), '-', '') AS hex,
    json_extract(body, '$.payload.user.id') AS user_id,
    json_extract(body, '$.payload.anonymous_user.id') AS guest_id
  FROM events
  WHERE type = 'user.anonymous.promoted'
),
timed AS (
  SELECT
    project_no,
    client_id,
    created_at,
    -- The first 48 bits of a UUIDv7 are its time.
    ((instr('0123456789abcdef', substr(hex, 1, 1)) - 1) << 44) +
      ((instr('0123456789abcdef', substr(hex, 2, 1)) - 1) << 40) +
      ((instr('0123456789abcdef', substr(hex, 3, 1)) - 1) << 36) +
      ((instr('0123456789abcdef', substr(hex, 4, 1)) - 1) << 32) +
      ((instr('0123456789abcdef', substr(hex, 5, 1)) - 1) << 28) +
      ((instr('0123456789abcdef', substr(hex, 6, 1)) - 1) << 24) +
      ((instr('0123456789abcdef', substr(hex, 7, 1)) - 1) << 20) +
      ((instr('0123456789abcdef', substr(hex, 8, 1)) - 1) << 16) +
      ((instr('0123456789abcdef', substr(hex, 9, 1)) - 1) << 12) +
      ((instr('0123456789abcdef', substr(hex, 10, 1)) - 1) << 8) +
      ((instr('0123456789abcdef', substr(hex, 11, 1)) - 1) << 4) +
      ((instr('0123456789abcdef', substr(hex, 12, 1)) - 1) << 0) AS guest_millis
  FROM found
  WHERE guest_id <> user_id
),
signed_in AS (
  SELECT
    project_no,
    client_id,
    created_at / 1000000 AS at_seconds,
    guest_millis,
    (created_at - guest_millis * 1000) / 1000000 AS waited
  FROM timed
)
INSERT INTO daily_counts (project_no, day, client_id, name, count)
SELECT project_no, day, client_id, name, COUNT(*)
FROM (
  SELECT project_no, client_id, at_seconds / 86400 AS day, 'guests_signed_in' AS name
  FROM signed_in
  UNION ALL
  SELECT project_no, client_id, guest_millis / 86400000, 'guests_signed_in_of_day'
  FROM signed_in
  UNION ALL
  SELECT
    project_no,
    client_id,
    at_seconds / 86400,
    CASE
      WHEN waited <= 600 THEN 'signed_in_within_10m'
      WHEN waited <= 3600 THEN 'signed_in_within_1h'
      WHEN waited <= 86400 THEN 'signed_in_within_1d'
      WHEN waited <= 604800 THEN 'signed_in_within_7d'
      WHEN waited <= 2592000 THEN 'signed_in_within_30d'
      ELSE 'signed_in_later'
    END
  FROM signed_in
) AS counted
GROUP BY project_no, day, client_id, name;
