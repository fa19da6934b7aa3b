-- Merges of guests into members, and where their handshakes stand: 0 requested, 1 settled, 2 refused, 3 timed out, 4 undone. `asked`
-- says how often the application was asked, and when last; `kept` what the merge did, while it can be undone. Its twin is
-- 0046_merges.postgres.sql. The release before this one ignores the table: it takes a guest that waits for a given-up one.

CREATE TABLE merges (
  project_no   INTEGER NOT NULL,
  id           BLOB    NOT NULL,
  guest_id     BLOB    NOT NULL,
  member_id    BLOB    NOT NULL,
  state        INTEGER NOT NULL,
  client_id    TEXT,
  requested_at INTEGER NOT NULL,
  answer_by    INTEGER,
  changed_at   INTEGER NOT NULL,
  undo_until   INTEGER,
  asked        INTEGER NOT NULL,
  asked_at     INTEGER,
  reason       TEXT,
  kept         TEXT,
  PRIMARY KEY (project_no, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX merges_by_state ON merges (project_no, state, id);
CREATE INDEX merges_by_guest ON merges (project_no, guest_id, id);
CREATE INDEX merges_by_member ON merges (project_no, member_id, id);
CREATE INDEX merges_by_answer ON merges (answer_by) WHERE state = 0 AND answer_by IS NOT NULL;
CREATE INDEX merges_by_undo ON merges (undo_until) WHERE kept IS NOT NULL;
CREATE INDEX merges_by_change ON merges (changed_at) WHERE state > 0;

-- What the planner has to know of them (0009).
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('merges', 'merges', '1000000 1000000 1'),
  ('merges', 'merges_by_state', '1000000 1000000 200000 1'),
  ('merges', 'merges_by_guest', '1000000 1000000 1 1'),
  ('merges', 'merges_by_member', '1000000 1000000 2 1'),
  ('merges', 'merges_by_answer', '10000 2'),
  ('merges', 'merges_by_undo', '10000 2'),
  ('merges', 'merges_by_change', '1000000 2');
ANALYZE sqlite_schema;
