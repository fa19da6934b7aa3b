# The daily commands; `just` alone lists them. The command `just` is `rust-just` on PyPI, and `just` on crates.io.
# Everything here works without it: each recipe is one line.

_list:
    @just --list --unsorted

# Format, clippy, unit and SQLite tests: before every commit
check:
    ./test fast

# Does it compile? The quickest answer
compile:
    cargo check --workspace --all-targets --locked

# Rewrite the sources in the project's format
format:
    cargo fmt --all

# Tests of the server whose name contains NAME, on SQLite
test NAME:
    cargo test -p vestibule-server --test it -- {{ NAME }}

# The same, and those on PostgreSQL (needs VESTIBULE_TEST_POSTGRES)
test-both NAME:
    cargo test -p vestibule-server --test it -- --include-ignored {{ NAME }}

# Tests of the SQL whose name contains NAME, on SQLite
test-store NAME:
    cargo test -p vestibule-store --test it -- {{ NAME }}

# Rewrite the generated references in docs/reference
reference:
    VESTIBULE_WRITE_REFERENCE=1 cargo test -p vestibule-server --lib -- reference

# The identity server, a demo shop and a mailbox
demo *ARGS:
    cargo run --release -- demo {{ ARGS }}

# Spelling and shell scripts
text:
    ./test text

# The guides and references as a site with search and llms.txt, in target/site
site:
    packaging/site

# The crates' documentation, in the browser
doc:
    cargo doc --workspace --no-deps --document-private-items --open

# Half a minute of random input for each parser
fuzz:
    ./test fuzz

# The browser journeys
e2e:
    ./test e2e

# What CI runs
all:
    ./test

# What takes longer
more:
    ./test more
