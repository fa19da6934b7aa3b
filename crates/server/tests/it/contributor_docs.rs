//! The pages for contributors name files that exist, and quote code that is in them.

use std::{
    fs,
    path::{Path, PathBuf},
};

const PAGES: [&str; 4] = ["CONTRIBUTING.md", "docs/architecture.md", "docs/testing.md", "docs/adding-an-endpoint.md"];
const FOLDERS: [&str; 5] = ["crates/", "docs/", "e2e/", "fuzz/", "bench/"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What stands between single backticks, outside blocks of code.
fn inline_code(page: &str) -> Vec<&str> {
    let prose = page.split("```").step_by(2);
    prose.flat_map(|part| part.split('`').skip(1).step_by(2)).collect()
}

/// The files and folders that a page names; not patterns, and not what stands before arguments.
fn named_paths(page: &str) -> Vec<&str> {
    let is_path = |text: &&str| {
        FOLDERS.iter().any(|folder| text.starts_with(folder)) && !text.contains(['*', '{', '…']) && !text.contains(' ')
    };
    inline_code(page).into_iter().filter(is_path).collect()
}

/// The lines of a page's Rust blocks, without those that leave something out.
fn quoted_lines(page: &str) -> Vec<&str> {
    let blocks = page.split("```").skip(1).step_by(2).filter_map(|block| block.strip_prefix("rust\n"));
    blocks.flat_map(str::lines).map(str::trim).filter(|line| !line.is_empty() && !line.contains('…')).collect()
}

#[test]
fn pages_for_contributors_name_files_that_exist() {
    for name in PAGES {
        let page = read(root().join(name));
        let paths = named_paths(&page);
        assert!(!paths.is_empty(), "{name} names files");
        for path in paths {
            assert!(root().join(path).exists(), "{name} names {path}, which does not exist: name what replaced it");
        }
    }
}

#[test]
fn the_guide_of_merging_quotes_the_demo_shop() {
    let (page, source) =
        (read(root().join("docs/guides/merge.md")), read(root().join("crates/server/src/demo/cart.rs")));
    let lines = quoted_lines(&page);
    assert!(lines.len() > 5, "{lines:?}");
    for line in lines {
        assert!(source.contains(line), "docs/guides/merge.md quotes a line that the demo shop does not have:\n{line}");
    }
}

#[test]
fn the_endpoint_that_is_walked_through_is_the_one_that_exists() {
    let page = read(root().join("docs/adding-an-endpoint.md"));
    let files = named_paths(&page).into_iter().map(|path| root().join(path)).filter(|path| path.is_file());
    let sources: String = files.map(read).collect();
    let lines = quoted_lines(&page);
    assert!(lines.len() > 5, "{lines:?}");
    for line in lines {
        assert!(sources.contains(line), "docs/adding-an-endpoint.md quotes a line that no file it names has:\n{line}");
    }
    for name in ["InPath", "UserDetailView", "set_disabled", "admin_set_disabled", "NotFound(Thing::User)"] {
        assert!(page.contains(name) && sources.contains(name), "the page and its files speak of {name}");
    }
}

#[test]
fn only_code_outside_blocks_is_a_path() {
    let page = "`crates/a.rs` and `crates/*.rs`, `e2e/run x`\n```sh\n`crates/b.rs`\n```\n`docs/c`\n```rust\n  let x = 1;\n\n  f(…);\n```\n";
    assert_eq!(named_paths(page), ["crates/a.rs", "docs/c"]);
    assert_eq!(quoted_lines(page), ["let x = 1;"]);
}
