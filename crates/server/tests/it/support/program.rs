//! The binary, run as at a terminal.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
};

use tempfile::TempDir;

/// A folder to run the program in, with an embedded store.
pub(crate) struct ScratchInstallation {
    folder: TempDir,
}

impl ScratchInstallation {
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().expect("a scratch folder") }
    }

    /// Writes a file into the folder.
    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("a writable folder");
    }

    /// The path of the folder, or of a file in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program with these arguments, in the folder and with its own environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
        command.args(arguments).current_dir(self.folder.path()).env_clear();
        command.env("VESTIBULE__STORE__URL", "sqlite:data/vestibule.db").env("VESTIBULE__LOG__FORMAT", "json");
        command.env("VESTIBULE__SERVER__LISTEN", "127.0.0.1:0");
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Finished {
        Finished::of(&self.command(arguments).output().expect("the program runs"))
    }

    /// Runs `serve` until it listens.
    pub(crate) fn serve(&self) -> Running {
        let mut child = self.command(&["serve"]).stderr(Stdio::piped()).spawn().expect("the program starts");
        let mut lines = BufReader::new(child.stderr.take().expect("it was asked for")).lines();
        let address = lines.by_ref().map(|line| line.expect("a line of text")).find_map(|line| {
            let entry: serde_json::Value = serde_json::from_str(&line).ok()?;
            entry["server.address"].as_str().map(|address| address.parse().expect("an address"))
        });
        let address = address.expect("it says where it listens");
        // Keep reading, or the full pipe would block the program.
        std::thread::spawn(move || lines.for_each(drop));
        Running { child, address }
    }
}

/// The result of a finished program.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) succeeded: bool,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Finished {
    pub(crate) fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
        Self { succeeded: output.status.success(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// The output of a program that succeeded without errors.
    #[track_caller]
    pub(crate) fn printed(self) -> String {
        assert!(self.succeeded && self.err.is_empty(), "{self:?}");
        self.out
    }

    /// The error output.
    #[track_caller]
    pub(crate) fn problem(self) -> String {
        assert!(!self.succeeded && self.out.is_empty(), "{self:?}");
        self.err
    }
}

pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
}

impl Running {
    pub(crate) fn terminate(&self) {
        let kill = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(kill.expect("kill runs").success());
    }

    /// Waits for its end; returns whether it succeeded.
    pub(crate) fn wait(&mut self) -> bool {
        self.child.wait().expect("it is our child").success()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
