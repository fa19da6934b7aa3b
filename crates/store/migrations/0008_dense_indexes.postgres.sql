-- Fuller pages for indexes that grow at their end. Its twin is 0008_dense_indexes.sqlite.sql.

-- Ids are UUIDv7, so new entries come last and a page that was filled gets hardly any more: room kept free in it is lost.
-- Pages written before stay as they are; REINDEX packs them, too.
ALTER INDEX users_pkey SET (fillfactor = 100);
ALTER INDEX grants_pkey SET (fillfactor = 100);
ALTER INDEX grants_by_user SET (fillfactor = 100);
ALTER INDEX sessions_pkey SET (fillfactor = 100);
ALTER INDEX sessions_by_user SET (fillfactor = 100);
