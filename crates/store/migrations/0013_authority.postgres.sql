-- One host belongs to one project, whatever the scheme. Its twin is 0013_authority.sqlite.sql.

-- NULL: an older project has the host, or a release that does not know the column wrote the row. Origins are stored in the
-- spelling of a parsed URL (lower case, ASCII, without the scheme's own port), so this is all that is left to do.
ALTER TABLE projects ADD COLUMN authority TEXT;
UPDATE projects SET authority = lower(split_part(public_origin, '://', 2));
UPDATE projects SET authority = substr(authority, 1, length(authority) - 4) WHERE authority LIKE '%:443';
UPDATE projects SET authority = substr(authority, 1, length(authority) - 3) WHERE authority LIKE '%:80';
UPDATE projects SET authority = rtrim(replace(authority, '.:', ':'), '.');
UPDATE projects SET authority = NULL
  WHERE EXISTS (SELECT 1 FROM projects older WHERE older.no < projects.no AND older.authority = projects.authority);
CREATE UNIQUE INDEX projects_by_authority ON projects (authority);
