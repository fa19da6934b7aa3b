//! A library that a test compiles and preloads before the C library (LD_PRELOAD), to put a process into trouble.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tempfile::TempDir;

/// A compiled library.
pub(crate) struct Preload {
    folder: TempDir,
}

impl Preload {
    /// Compiles a source beside the tests. `None`, after a line that says what is not tested, where there is no C compiler.
    #[expect(clippy::print_stderr, reason = "what is not tested must be told")]
    pub(crate) fn compile(source: &str, what: &str) -> Option<Self> {
        let library = Self { folder: TempDir::new().expect("a scratch folder") };
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it").join(source);
        let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".into());
        let mut compiling = Command::new(compiler);
        compiling.args(["-shared", "-fPIC", "-O1", "-o"]).arg(library.path("library.so")).arg(source).arg("-ldl");
        match compiling.stderr(Stdio::inherit()).status() {
            Ok(status) => assert!(status.success(), "the library does not compile"),
            Err(_) => {
                eprintln!("NOT TESTED: {what}. There is no C compiler (cc, or the environment's CC).");
                return None;
            }
        }
        Some(library)
    }

    /// The path of a file in its folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A command line that runs a program with it and these variables.
    pub(crate) fn wrapper(&self, variables: &[(&str, &str)]) -> Vec<String> {
        let library = format!("LD_PRELOAD={}", self.path("library.so").display());
        let variables = variables.iter().map(|(name, value)| format!("{name}={value}"));
        ["env".to_owned(), library].into_iter().chain(variables).collect()
    }
}
