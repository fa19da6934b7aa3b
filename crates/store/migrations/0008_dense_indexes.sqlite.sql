-- Fuller pages for indexes that grow at their end. Its twin is 0008_dense_indexes.postgres.sql.

-- Nothing to do here: SQLite fills a page that is appended to by itself.
