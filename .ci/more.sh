# shellcheck shell=bash
# The parts of `./test more`, which take longer than what CI runs. Sourced by ./test.

test_bench() {
  say "The benchmark: formatting and clippy"
  cargo fmt --manifest-path bench/Cargo.toml --check
  CARGO_TARGET_DIR="$PWD/target" cargo clippy --manifest-path bench/Cargo.toml --all-targets --locked -- -D warnings
}

test_quick_bench() {
  say "The benchmark: its quick run"
  bench/run --quick --without-peer --out "$PWD/target/quick-bench"
}

test_otel() {
  say "Traces, with the feature otel"
  cargo test --locked -p vestibule-server --features otel --test it -- traces
}

# Waits at most half a minute for a successful response.
answers() {
  node -e '
    const until = Date.now() + 30_000;
    const ask = () => fetch(process.argv[1]).then((answer) => answer.ok, () => false);
    (async () => {
      while (!(await ask())) {
        if (Date.now() > until) process.exit(1);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    })();' "$1"
}

# A clone holds only what is committed, so that a file which is missing in the repository is found here.
test_install() {
  say "The release binary, installed from a clone of the last commit"
  local folder demo status=1
  folder="$(mktemp -d)"
  git clone --quiet --no-hardlinks . "$folder/clone"
  CARGO_TARGET_DIR="$PWD/target" cargo install --locked --path "$folder/clone/crates/server" --root "$folder/root"
  "$folder/root/bin/vestibule" --version
  "$folder/root/bin/vestibule" demo --data "$folder/data" --port 4170 >"$folder/log" 2>&1 &
  demo=$!
  if answers http://localhost:4171/ && answers http://localhost:4170/.well-known/openid-configuration; then
    status=0
  fi
  # It ends by itself, with 0.
  kill "$demo" 2>/dev/null && wait "$demo" || status=1
  [ "$status" = 0 ] || cat "$folder/log" >&2
  rm -rf "$folder"
  [ "$status" = 0 ] || fail "the installed demo did not start, answer and end"
}

# Each scenario has its share of the time, two at once; the full disk is one round. Clients that lose their server panic, which is not shown.
test_crash() {
  local seconds=12 log="$PWD/target/crash.log"
  [ -z "$1" ] || seconds=$(($1 * 3600 / 3))
  say "Kills, hang-ups, stopped nodes, wrong clocks, failed syncs and a full disk: $seconds s for each scenario"
  cargo test --locked -p vestibule-server --test it --no-run
  # New guests are counted after a minute: both engines wait for it at once.
  if ! { run_crash "$seconds" --test-threads=2 crash::standing_still &&
    run_crash "$seconds" --test-threads=2 crash::on_ failed_disk:: on_a_full_disk a_full_disk_refuses_guests; } 2>"$log"; then
    tail -n 60 "$log" >&2
    fail "a scenario failed; all of its output is in $log"
  fi
  grep "^NOT TESTED" "$log" || true
}

run_crash() {
  RUST_BACKTRACE=0 VESTIBULE_CRASH_SECONDS="$1" cargo test --locked -p vestibule-server --test it -- --include-ignored --nocapture "${@:2}"
}

test_crashes() {
  say "Killed 50 times under load, on each engine"
  VESTIBULE_CRASHES=50 cargo test --locked -p vestibule-server --test it -- --include-ignored crash::
  say "20,000 silent connections"
  VESTIBULE_CONNECTIONS=20000 cargo test --locked -p vestibule-server --test it -- --nocapture flood::silent
}

test_long_api() {
  say "The Admin API against its description, with other requests"
  build_binary ""
  local seed="$RANDOM"
  say "SEED=$seed"
  SEED="$seed" API_TIMEOUT=3600 e2e/api/run "${VESTIBULE_BINARY:-target/debug/vestibule}" 200
}

test_long_guides() {
  say "The code blocks of the documentation that take longer"
  build_binary ""
  install_npm_packages
  (cd e2e && node guides/run.js long)
}

# A client that is not installed is named in the output, as skipped.
test_clients() {
  find_chromium
  export CHROMIUM
  say "Foreign clients against the server"
  build_binary ""
  install_npm_packages
  (cd e2e && node --test --test-concurrency=1 --test-reporter=spec clients/*.test.js)
}

# An app whose language is not installed is named in the output, as skipped. npm, PyPI and Go's modules come over the network.
test_examples() {
  find_chromium
  export CHROMIUM
  say "The apps in examples/, as their guides make them"
  build_binary ""
  install_npm_packages
  (cd e2e && node --test --test-concurrency=1 --test-reporter=spec examples/*.test.js)
}

# Builds the binary of the previous release once, from a clone of its commit, beside what is built here; prints where it is.
previous_release() {
  local commit binary clone
  commit="$(grep -v '^#' .ci/previous-release)"
  binary="$PWD/target/previous/$commit"
  if [ ! -x "$binary" ]; then
    clone="$(mktemp -d)"
    git clone --quiet --no-checkout . "$clone"
    git -C "$clone" checkout --quiet "$commit" || fail "the commit $commit is not in this clone: git fetch --unshallow"
    CARGO_TARGET_DIR="$PWD/target" cargo build --locked --manifest-path "$clone/Cargo.toml" --bin vestibule >&2
    mkdir -p target/previous
    cp target/debug/vestibule "$binary.part"
    mv "$binary.part" "$binary"
    rm -rf "$clone"
  fi
  echo "$binary"
}

test_releases() {
  local previous
  find_chromium
  export CHROMIUM
  say "The previous release"
  previous="$(previous_release)"
  build_binary ""
  cmp -s "$previous" target/debug/vestibule && fail "the binary of this tree is that of the previous release"
  install_npm_packages
  say "Upgrade, rollback, and both side by side"
  (cd e2e && VESTIBULE_PREVIOUS="$previous" node --test --test-concurrency=1 --test-reporter=spec releases/*.test.js)
}

# Its own PostgreSQL servers keep their data on disk; the one of this run serves the test that needs no standby.
test_failover() {
  say "A standby is promoted under load, and a node is cut off"
  build_binary ""
  install_npm_packages
  (cd e2e && node --test --test-concurrency=1 --test-reporter=spec failover/*.test.js)
}

# Debian's package of Prometheus has promtool.
test_alerts() {
  say "The alert rules for Prometheus"
  promtool check rules docs/prometheus/vestibule.rules.yml
  (cd docs/prometheus && promtool test rules vestibule.test.yml)
}

test_site() {
  say "The documentation as a site, in target/site"
  packaging/site
}

test_seeds() {
  local seed
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    seed="$RANDOM"
    say "The Rust tests with VESTIBULE_TEST_SEED=$seed PROPTEST_RNG_SEED=$seed"
    VESTIBULE_TEST_SEED="$seed" PROPTEST_RNG_SEED="$seed" cargo test --workspace --locked -- --include-ignored \
      --skip flood::be_a_crowd --skip upgrade::keep_the_data_of_this_release
  done
}
