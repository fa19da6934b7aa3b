//! `vestibule user export` and `import`: JSON Lines, in the format of the Admin API.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, BufWriter, Read as _, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use vestibule_app::{
    actor::Actor,
    admin::transfer::{self, LineOutcome},
};
use vestibule_domain::id::UserId;

use super::{InProject, explain};
use crate::cli::{
    CommandError, Opened, printable,
    progress::{Progress, Unit},
};

/// Lines that are imported at a time.
const BATCH: usize = 1_000;
/// Maximum length of a line in bytes: what the Admin API accepts in one request.
const LONGEST: u64 = 1 << 20;

/// Export a user, or all of them, with login IDs, password hashes and keys, as JSON Lines
#[derive(Debug, Args)]
pub(in crate::cli) struct Export {
    #[command(flatten)]
    of: InProject,
    /// The user ID; without it, all users are exported, newest first
    #[arg(value_name = "USER")]
    user: Option<UserId>,
    /// Write to this new file, readable by its owner only, instead of standard output
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Export {
    pub(in crate::cli) async fn run(self) -> Result<(), CommandError> {
        let part = self.output.as_deref().map(NewFile::create).transpose()?;
        let opened = self.of.open().await?;
        let exported = match &part {
            Some(new) => self.export(&opened, &mut BufWriter::new(&new.file)).await,
            None => self.export(&opened, &mut io::stdout().lock()).await,
        };
        opened.close().await;
        let count = exported?;
        if let Some(new) = part {
            let name = new.finish()?;
            println!("{}: {count} {}.", name.display(), if count == 1 { "user" } else { "users" });
        }
        Ok(())
    }

    async fn export(&self, opened: &Opened, out: &mut impl Write) -> Result<u64, CommandError> {
        let (app, project, by) = (&opened.app, &opened.project, Actor::at_terminal("user export"));
        if let Some(user) = self.user {
            let line = transfer::export_one(&opened.ctx(), &by, user).await.map_err(explain)?;
            out.write_all(line.as_bytes())?;
            out.flush()?;
            return Ok(1);
        }
        transfer::record_export(&opened.ctx(), &by).await.map_err(explain)?;
        let progress = Progress::start("exporting");
        let (mut after, mut count) = (None, 0);
        while let Some((lines, last)) = transfer::export_step(app, project, after).await? {
            out.write_all(lines.as_bytes())?;
            count += lines.lines().count() as u64;
            progress.set("exporting", Unit::Things("users"), count, None);
            after = Some(last);
        }
        out.flush()?;
        Ok(count)
    }
}

/// A file that has its name only once it is complete.
struct NewFile {
    file: File,
    part: PathBuf,
    name: PathBuf,
    is_complete: bool,
}

impl NewFile {
    fn create(name: &Path) -> Result<Self, CommandError> {
        let fail = |error: io::Error| CommandError(format!("can't create {}: {error}", name.display()));
        if name.exists() {
            return Err(CommandError(format!("{} exists already; nothing was exported", name.display())));
        }
        let mut part = name.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(Self { file: options.open(&part).map_err(fail)?, part, name: name.to_path_buf(), is_complete: false })
    }

    fn finish(mut self) -> Result<PathBuf, CommandError> {
        self.file.sync_all()?;
        // Unlike a renaming, this replaces no file that was created meanwhile.
        fs::hard_link(&self.part, &self.name)?;
        self.is_complete = true;
        fs::remove_file(&self.part)?;
        Ok(self.name.clone())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.is_complete {
            fs::remove_file(&self.part).ok();
        }
    }
}

/// Import users from JSON Lines, as written by `user export`; existing users are not changed
#[derive(Debug, Args)]
pub(in crate::cli) struct Import {
    #[command(flatten)]
    of: InProject,
    /// The file; `-` for standard input
    file: PathBuf,
}

/// What became of the lines.
#[derive(Debug, Default)]
struct ImportCounts {
    created: u64,
    existing: u64,
    refused: u64,
}

impl Import {
    pub(in crate::cli) async fn run(self) -> Result<(), CommandError> {
        let fail = |error: io::Error| CommandError(format!("can't read {}: {error}", self.file.display()));
        let (mut input, size): (Box<dyn BufRead>, _) = if self.file == Path::new("-") {
            (Box::new(BufReader::new(io::stdin())), None)
        } else {
            let file = File::open(&self.file).map_err(fail)?;
            let size = file.metadata().map_err(fail)?.len();
            (Box::new(BufReader::new(file)), Some(size))
        };
        let opened = self.of.open().await?;
        let imported = import(&opened, &mut input, size).await;
        opened.close().await;
        let ImportCounts { created, existing, refused } = imported?;
        println!("{created} created, {existing} existed already, {refused} refused.");
        if refused > 0 {
            return Err(CommandError("correct the refused lines and import the file again".into()));
        }
        Ok(())
    }
}

async fn import(opened: &Opened, input: &mut dyn BufRead, size: Option<u64>) -> Result<ImportCounts, CommandError> {
    let (progress, mut counts) = (Progress::start("importing"), ImportCounts::default());
    let (mut line, mut done) = (0, 0);
    loop {
        let batch = read_batch(input, line)?;
        let count = batch.lines().count();
        if count == 0 {
            return Ok(counts);
        }
        done += batch.len() as u64;
        let by = Actor::at_terminal("user import");
        for imported in transfer::import(&opened.ctx(), &by, batch).await.map_err(explain)? {
            match imported.outcome {
                LineOutcome::Created => counts.created += 1,
                LineOutcome::Exists => counts.existing += 1,
                LineOutcome::Refused(reason) => {
                    counts.refused += 1;
                    progress.print_error(&format!("line {}: {}", line + imported.line, printable(&reason)));
                }
            }
        }
        line += count;
        progress.set("importing", Unit::Bytes, done, size);
    }
}

/// The next lines; none at the end.
fn read_batch(input: &mut dyn BufRead, before: usize) -> Result<String, CommandError> {
    let mut batch = Vec::new();
    for line in before + 1..=before + BATCH {
        let start = batch.len();
        // No more than a line may have, whatever the input is.
        input.take(LONGEST + 1).read_until(b'\n', &mut batch)?;
        match (batch.len() - start) as u64 {
            0 => break,
            length if length > LONGEST => {
                return Err(CommandError(format!(
                    "line {line} is longer than {LONGEST} bytes: this is no export of users"
                )));
            }
            _ => {}
        }
    }
    String::from_utf8(batch).map_err(|_| CommandError(format!("a line after line {before} is not UTF-8")))
}
