-- Merges of guests into members, and where their handshakes stand: 0 requested, 1 settled, 2 refused, 3 timed out, 4 undone. `asked`
-- says how often the application was asked, and when last; `kept` what the merge did, while it can be undone. Its twin is
-- 0046_merges.sqlite.sql. The release before this one ignores the table: it takes a guest that waits for a given-up one.

CREATE TABLE merges (
  project_no   BIGINT NOT NULL,
  id           BYTEA  NOT NULL,
  guest_id     BYTEA  NOT NULL,
  member_id    BYTEA  NOT NULL,
  state        BIGINT NOT NULL,
  client_id    TEXT,
  requested_at BIGINT NOT NULL,
  answer_by    BIGINT,
  changed_at   BIGINT NOT NULL,
  undo_until   BIGINT,
  asked        BIGINT NOT NULL,
  asked_at     BIGINT,
  reason       TEXT,
  kept         TEXT,
  PRIMARY KEY (project_no, id)
);
CREATE INDEX merges_by_state ON merges (project_no, state, id);
CREATE INDEX merges_by_guest ON merges (project_no, guest_id, id);
CREATE INDEX merges_by_member ON merges (project_no, member_id, id);
CREATE INDEX merges_by_answer ON merges (answer_by) WHERE state = 0 AND answer_by IS NOT NULL;
CREATE INDEX merges_by_undo ON merges (undo_until) WHERE kept IS NOT NULL;
CREATE INDEX merges_by_change ON merges (changed_at) WHERE state > 0;
