//! The shop's store: carts by `sub` in one JSON file.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::sync::Mutex;

/// The content of a cart: product ID to quantity, never 0.
pub(super) type Items = BTreeMap<String, u32>;

/// Why the shop's data file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file or its folder cannot be read or written.
    #[error("cannot use the shop's data file {path}: {source}", path = path.display())]
    Io { path: PathBuf, source: io::Error },
    /// The file exists, but it is not the shop's.
    #[error("the shop's data file {path} is not valid: {source}", path = path.display())]
    Damaged {
        path: PathBuf,
        /// Where parsing stopped.
        source: serde_json::Error,
    },
    /// The HTTP client for the identity server cannot be built.
    #[error("can't create an HTTP client: {0}")]
    HttpClient(#[from] reqwest::Error),
}

/// All carts: read once, written as a whole on each change.
pub(super) struct Carts {
    path: PathBuf,
    carts: Arc<Mutex<BTreeMap<String, Items>>>,
}

impl Carts {
    /// Opens the file, and checks that it can be written.
    ///
    /// # Errors
    /// [`OpenError`] with the file and the problem.
    pub(super) fn open(path: PathBuf) -> Result<Self, OpenError> {
        let carts: BTreeMap<String, Items> = match fs::read(&path) {
            Ok(bytes) => {
                serde_json::from_slice(&bytes).map_err(|source| OpenError::Damaged { path: path.clone(), source })?
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(source) => return Err(OpenError::Io { path, source }),
        };
        write_whole(&path, &carts).map_err(|source| OpenError::Io { path: path.clone(), source })?;
        Ok(Self { path, carts: Arc::new(Mutex::new(carts)) })
    }

    /// The cart of a user; empty if there is none.
    pub(super) async fn find(&self, sub: &str) -> Items {
        self.carts.lock().await.get(sub).cloned().unwrap_or_default()
    }

    /// Sets a product's quantity (0 removes it) and returns the cart once it is on disk.
    ///
    /// # Errors
    /// The operating system's error; the cart is then unchanged.
    pub(super) async fn set_quantity(&self, sub: String, product: String, quantity: u32) -> io::Result<Items> {
        let (path, mut carts) = (self.path.clone(), Arc::clone(&self.carts).lock_owned().await);
        let write = tokio::task::spawn_blocking(move || {
            let mut changed = carts.clone();
            let items = changed.entry(sub.clone()).or_default();
            match quantity {
                0 => items.remove(&product),
                more => items.insert(product, more),
            };
            let items = items.clone();
            if items.is_empty() {
                changed.remove(&sub);
            }
            write_whole(&path, &changed)?;
            *carts = changed;
            Ok(items)
        });
        write.await.map_err(io::Error::other)?
    }
}

/// Replaces the file atomically: a crash leaves the old content or the new.
fn write_whole(path: &Path, carts: &BTreeMap<String, Items>) -> io::Result<()> {
    let draft = path.with_extension("draft");
    let mut file = fs::File::create(&draft)?;
    serde_json::to_writer(&file, carts)?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    fs::rename(&draft, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(pairs: &[(&str, u32)]) -> Items {
        pairs.iter().map(|(id, quantity)| ((*id).to_owned(), *quantity)).collect()
    }

    #[tokio::test]
    async fn a_cart_is_there_again_after_reopening() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.json");
        let carts = Carts::open(path.clone()).unwrap();
        carts.set_quantity("anna".into(), "mat".into(), 2).await.unwrap();
        carts.set_quantity("anna".into(), "lamp".into(), 1).await.unwrap();
        carts.set_quantity("ben".into(), "bowl".into(), 3).await.unwrap();
        let left = carts.set_quantity("anna".into(), "mat".into(), 0).await.unwrap();
        assert_eq!(left, items(&[("lamp", 1)]));

        let reopened = Carts::open(path).unwrap();
        assert_eq!(reopened.find("anna").await, items(&[("lamp", 1)]));
        assert_eq!(reopened.find("ben").await, items(&[("bowl", 3)]));
        assert_eq!(reopened.find("carla").await, Items::new());
    }

    #[tokio::test]
    async fn changes_at_the_same_time_are_all_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.json");
        let carts = Arc::new(Carts::open(path.clone()).unwrap());
        let mut changes = tokio::task::JoinSet::new();
        for n in 0..20 {
            let carts = Arc::clone(&carts);
            changes.spawn(async move { carts.set_quantity(format!("sub-{n}"), "mat".into(), 1).await.unwrap() });
        }
        changes.join_all().await;
        let reopened = Carts::open(path).unwrap();
        assert_eq!(reopened.carts.lock().await.len(), 20);
    }

    #[test]
    fn a_missing_folder_and_a_damaged_file_are_named_in_the_error() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("nowhere").join("shop.json");
        let error = Carts::open(missing).err().unwrap().to_string();
        assert!(error.contains("nowhere") && error.starts_with("cannot use"), "{error}");

        let damaged = folder.path().join("shop.json");
        fs::write(&damaged, "{\"anna\":").unwrap();
        let error = Carts::open(damaged.clone()).err().unwrap().to_string();
        assert!(error.contains("is not valid"), "{error}");
        assert_eq!(
            fs::read_to_string(damaged).unwrap(),
            "{\"anna\":",
            "a damaged file is left for a person to look at"
        );
    }
}
