//! A Vestibule to measure: its configuration, its project, its process.

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{process::Process, store_location::StoreLocation};

/// The measured server: its configuration and its project.
pub(crate) struct Instance {
    binary: PathBuf,
    config: PathBuf,
    port: u16,
}

impl Instance {
    pub(crate) fn prepare(
        binary: &Path,
        root: &Path,
        location: &StoreLocation,
        port: u16,
        settings: &str,
    ) -> Result<Self, Box<dyn Error>> {
        let config = root.join(format!("server-{port}.toml"));
        fs::write(
            &config,
            format!(
                "[server]\nlisten = \"127.0.0.1:{port}\"\ntrusted_proxies = [\"127.0.0.1\"]\n[store]\nurl = \"{}\"\n[secrets]\nmaster_key_file = \"{}\"\n[log]\nfilter = \"warn\"\n",
                location.url(),
                root.join("master.key").display(),
            ),
        )?;
        let project = root.join("project.toml");
        fs::write(&project, settings)?;
        let output = Command::new(binary).args(["project", "apply", "--config"]).arg(&config).arg(&project).output()?;
        if !output.status.success() {
            return Err(format!("the project was refused: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        Ok(Self { binary: binary.to_path_buf(), config, port })
    }

    pub(crate) async fn start(&self, root: &Path) -> Result<Process, Box<dyn Error>> {
        self.start_with(root, &[]).await
    }

    /// The command line of this server's binary for its store.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(arguments).arg("--config").arg(&self.config);
        command
    }

    pub(crate) fn config(&self) -> &Path {
        &self.config
    }

    pub(crate) async fn start_with(&self, root: &Path, settings: &[(&str, &str)]) -> Result<Process, Box<dyn Error>> {
        let mut command = Command::new(&self.binary);
        command.args(["serve", "--config"]).arg(&self.config).envs(settings.iter().copied());
        Process::start(&mut command, self.port, "/healthz", &root.join(format!("server-{}.log", self.port))).await
    }
}

/// The project of `project.toml`, at this port.
pub(crate) fn project_file(port: u16) -> String {
    include_str!("project.toml").replace("{port}", &port.to_string())
}
