# shellcheck shell=bash
# Debian packages that a part of ./test needs: names what is missing, and installs it when it may. Sourced by ./test.

may_install=no
missing_packages=()

# Takes a package, what it is for, and a command that succeeds when it is there.
want() {
  local package="$1" purpose="$2"
  shift 2
  "$@" >/dev/null 2>&1 && return
  [[ " ${missing_packages[*]} " == *" $package "* ]] && return
  missing_packages+=("$package")
  printf 'test: missing: %s (Debian: %s)\n' "$purpose" "$package" >&2
}

want_postgres() { [ -n "${VESTIBULE_TEST_POSTGRES:-}" ] || want postgresql "PostgreSQL's server programs" find_postgres; }
want_python() {
  want python3 "Python 3.10 or newer" command -v python3
  want python3-venv "Python's venv" python3 -c 'import ensurepip'
}
want_promtool() { want prometheus "promtool" command -v promtool; }
want_for_rust() {
  want nginx-light "nginx" command -v nginx
  want pgbouncer "pgbouncer" command -v pgbouncer
  want openssl "openssl" command -v openssl
  # One test kills its own server.
  want postgresql "PostgreSQL's server programs" find_postgres
}
want_for_guides() {
  want_postgres
  want_python
  want openssl "openssl" command -v openssl
  want curl "curl" command -v curl
  want procps "pgrep" command -v pgrep
}
want_for_long_guides() {
  want_python
  want openssl "openssl" command -v openssl
  want haproxy "HAProxy" command -v haproxy
  want default-jdk-headless "a JDK" command -v javac
  want maven "Maven" command -v mvn
}
want_for_clients() {
  want default-jdk-headless "a JDK" command -v javac
  want maven "Maven" command -v mvn
  want libapache2-mod-auth-openidc "Apache with mod_auth_openidc" test -e /usr/lib/apache2/modules/mod_auth_openidc.so
  want chromium "a Chromium browser" find_chromium
}
want_for_examples() {
  want_python
  want chromium "a Chromium browser" find_chromium
}
want_for_failover() {
  want_postgres
  want postgresql "PostgreSQL's server programs" find_postgres
  want pgbouncer "pgbouncer" command -v pgbouncer
  want patroni "Patroni" command -v patroni
  want etcd-server "etcd" command -v etcd
}
want_for_e2e() {
  want_postgres
  want chromium "a Chromium browser" find_chromium
}

want_for() {
  case "$1" in
    all) want_for_rust; want_python; want_for_guides; want_for_e2e ;;
    more) want_for_rust; want_python; want_for_long_guides; want_for_clients; want_for_examples; want_for_failover; want_promtool ;;
    alerts) want_promtool ;;
    rust | seeds) want_for_rust ;;
    crash | crashes) want_postgres ;;
    api | long-api | text | site) want_python ;;
    guides) want_for_guides ;;
    long-guides) want_for_long_guides ;;
    clients) want_for_clients ;;
    examples) want_for_examples ;;
    releases) want_for_e2e ;;
    failover) want_for_failover ;;
    e2e) want_for_e2e ;;
  esac
}

# On a terminal the answer to a question, asked once.
is_allowed_to_install() {
  if [ "$may_install" = yes ] || [ -n "${CI:-}" ]; then return 0; fi
  if ! [ -t 0 ] || ! [ -t 2 ]; then return 1; fi
  local answer
  read -r -p "Install with apt-get: ${missing_packages[*]}? [Y/n] " answer || return 1
  [[ "$answer" == "" || "$answer" == [Yy]* ]]
}

# Installs what a part needs, or names it and ends.
provide() {
  want_for "$1"
  [ "${#missing_packages[@]}" -gt 0 ] || return 0
  local packages=("${missing_packages[@]}")
  command -v apt-get >/dev/null || fail "install what is missing, then run it again"
  [ "$(id -u)" = 0 ] || fail "as root: apt-get install ${packages[*]}"
  is_allowed_to_install || fail "to install what is missing: ./test --install, or apt-get install ${packages[*]}"
  say "Installing ${packages[*]}"
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${packages[@]}"; } >/dev/null ||
    fail "apt-get could not install ${packages[*]}"
  missing_packages=()
  want_for "$1"
  [ "${#missing_packages[@]}" = 0 ] || fail "still missing after the installation: ${missing_packages[*]}"
}

find_chromium() { [ -n "${CHROMIUM:-}" ] || CHROMIUM="$(command -v chromium || command -v chromium-browser)"; }
