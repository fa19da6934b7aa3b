# shellcheck shell=bash
# A PostgreSQL server for one run of ./test, which sources this file.

scratch=""
postgres_bin=""

stop_postgres() {
  [ -n "$scratch" ] || return 0
  as_postgres "$postgres_bin/pg_ctl" -D "$scratch/data" -m immediate stop >/dev/null 2>&1 || true
  rm -rf "$scratch"
  scratch=""
}

# PostgreSQL refuses to run as root, so there it runs as Debian's user for it.
as_postgres() {
  if [ "$(id -u)" = 0 ]; then (cd / && runuser -u postgres -- "$@"); else "$@"; fi
}

find_postgres() {
  postgres_bin="$(dirname "${PSQL:-/nowhere/psql}")"
  [ -x "$postgres_bin/initdb" ] && return
  postgres_bin="$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1 || true)"
  [ -x "$postgres_bin/initdb" ] && return
  postgres_bin="$(command -v initdb || true)"
  [ -n "$postgres_bin" ] && postgres_bin="$(dirname "$(readlink -f "$postgres_bin")")"
}

start_postgres() {
  [ -z "${VESTIBULE_TEST_POSTGRES:-}" ] || return 0
  find_postgres || fail "missing: initdb (PostgreSQL's server programs)"
  scratch="$(mktemp -d)"
  trap stop_postgres EXIT
  if [ "$(id -u)" = 0 ]; then
    id postgres >/dev/null 2>&1 || fail "missing: the user postgres, to run PostgreSQL as"
    chown postgres "$scratch"
  fi
  as_postgres "$postgres_bin/initdb" -D "$scratch/data" -U vestibule --auth=trust --no-sync -E UTF8 --locale=C >/dev/null
  # Its data is deleted after this run, so durability is off; the socket stays inside the scratch folder.
  cat >>"$scratch/data/postgresql.conf" <<TEXT
listen_addresses = '127.0.0.1'
unix_socket_directories = '$scratch'
max_connections = 300
fsync = off
synchronous_commit = off
full_page_writes = off
TEXT
  local port
  for _ in 1 2 3 4 5; do # another process may take the free port before PostgreSQL does
    port="$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })')"
    if as_postgres "$postgres_bin/pg_ctl" -D "$scratch/data" -l "$scratch/log" -o "-p $port" -w start >/dev/null; then
      export VESTIBULE_TEST_POSTGRES="postgres://vestibule@127.0.0.1:$port/postgres" PSQL="$postgres_bin/psql"
      return
    fi
  done
  cat "$scratch/log" >&2
  fail "PostgreSQL did not start"
}
