-- Room in the pages of rows whose times change again and again. Its twin is 0061_room_for_uses.postgres.sql.

-- Nothing to do here: SQLite changes a row in its place.
