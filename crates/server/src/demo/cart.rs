//! The shop's store: carts by `sub` in one JSON file, with the merges whose carts have moved.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

/// The content of a cart: product ID to quantity, never 0.
pub(super) type Items = BTreeMap<String, u32>;

/// Maximum quantity of a product in a cart.
pub(super) const MOST: u32 = 99;

/// What is in the file.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Content {
    /// The IDs of the merges whose carts have moved.
    #[serde(default)]
    moved: BTreeSet<String>,
    /// What each of them brought, by the ID of the merge, so that it can go back.
    #[serde(default)]
    brought: BTreeMap<String, Brought>,
    /// By `sub`.
    #[serde(flatten)]
    carts: BTreeMap<String, Items>,
}

/// A guest's cart that a merge moved.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Brought {
    from: String,
    into: String,
    items: Items,
}

impl Content {
    /// Removes quantities of 0, and carts with nothing in them.
    fn drop_empty(&mut self) {
        for items in self.carts.values_mut() {
            items.retain(|_, quantity| *quantity > 0);
        }
        self.carts.retain(|_, items| !items.is_empty());
    }
}

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
    content: Arc<Mutex<Content>>,
}

impl Carts {
    /// Opens the file, and checks that it can be written.
    ///
    /// # Errors
    /// [`OpenError`] with the file and the problem.
    pub(super) fn open(path: PathBuf) -> Result<Self, OpenError> {
        let content: Content = match fs::read(&path) {
            Ok(bytes) => {
                serde_json::from_slice(&bytes).map_err(|source| OpenError::Damaged { path: path.clone(), source })?
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Content::default(),
            Err(source) => return Err(OpenError::Io { path, source }),
        };
        write_whole(&path, &content).map_err(|source| OpenError::Io { path: path.clone(), source })?;
        Ok(Self { path, content: Arc::new(Mutex::new(content)) })
    }

    /// The cart of a user; empty if there is none.
    pub(super) async fn find(&self, sub: &str) -> Items {
        self.content.lock().await.carts.get(sub).cloned().unwrap_or_default()
    }

    /// Whether a merge has moved the cart of this guest into this user's; an empty one has moved, too.
    pub(super) async fn has_come(&self, guest: &str, into: &str) -> bool {
        let content = self.content.lock().await;
        content.brought.values().any(|brought| brought.from == guest && brought.into == into)
    }

    /// Sets a product's quantity (0 removes it) and returns the cart once it is on disk.
    ///
    /// # Errors
    /// The operating system's error; the cart is then unchanged.
    pub(super) async fn set_quantity(&self, sub: String, product: String, quantity: u32) -> io::Result<Items> {
        self.change(move |content| {
            let items = content.carts.entry(sub.clone()).or_default();
            match quantity {
                0 => items.remove(&product),
                more => items.insert(product, more),
            };
            let items = items.clone();
            if items.is_empty() {
                content.carts.remove(&sub);
            }
            items
        })
        .await
    }

    /// Moves a guest's cart into a member's, once for each merge however often it is asked.
    ///
    /// # Errors
    /// The operating system's error; nothing has moved then.
    pub(super) async fn move_cart(&self, merge_id: String, from: String, into: String) -> io::Result<()> {
        self.change(move |content| {
            // What is moved and that it is moved are one write.
            if !content.moved.insert(merge_id.clone()) {
                return;
            }
            let items = content.carts.remove(&from).unwrap_or_default();
            let own = content.carts.entry(into.clone()).or_default();
            for (product, quantity) in &items {
                let sum = own.entry(product.clone()).or_default();
                *sum = sum.saturating_add(*quantity).min(MOST);
            }
            // Also of an empty cart: the shop's page asks whether it has come.
            content.brought.insert(merge_id, Brought { from, into, items });
            content.drop_empty();
        })
        .await
    }

    /// Moves back what a merge brought and the member still has, once, because the guest is a guest of its own again.
    ///
    /// # Errors
    /// The operating system's error; nothing has moved then.
    pub(super) async fn move_back(&self, merge_id: String, from: String, into: String) -> io::Result<()> {
        self.change(move |content| {
            // A question that comes after this moves nothing.
            content.moved.insert(merge_id.clone());
            let Some(brought) = content.brought.remove(&merge_id) else { return };
            let mut items = content.carts.remove(&into).unwrap_or_default();
            let own = content.carts.entry(from).or_default();
            for (product, quantity) in brought.items {
                let left = items.remove(&product).unwrap_or_default();
                let back = quantity.min(left);
                *own.entry(product.clone()).or_default() += back;
                items.insert(product, left - back);
            }
            content.carts.insert(into, items);
            content.drop_empty();
        })
        .await
    }

    /// Changes the content, and returns once it is on disk.
    async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Content) -> T + Send + 'static,
    ) -> io::Result<T> {
        let (path, mut content) = (self.path.clone(), Arc::clone(&self.content).lock_owned().await);
        let write = tokio::task::spawn_blocking(move || {
            let mut changed = content.clone();
            let done = change(&mut changed);
            write_whole(&path, &changed)?;
            *content = changed;
            Ok(done)
        });
        write.await.map_err(io::Error::other)?
    }
}

/// Replaces the file atomically: a crash leaves the old content or the new.
fn write_whole(path: &Path, content: &Content) -> io::Result<()> {
    let draft = path.with_extension("draft");
    let mut file = fs::File::create(&draft)?;
    serde_json::to_writer(&file, content)?;
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
    async fn a_cart_moves_once_for_each_merge() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.json");
        // As an earlier release wrote it.
        fs::write(&path, r#"{"guest":{"mat":2,"lamp":1},"member":{"mat":98}}"#).unwrap();
        let carts = Carts::open(path.clone()).unwrap();
        assert!(!carts.has_come("guest", "member").await);
        for _ in 0..2 {
            carts.move_cart("m1".into(), "guest".into(), "member".into()).await.unwrap();
        }
        assert!(carts.has_come("guest", "member").await);
        assert!(!carts.has_come("guest", "another").await && !carts.has_come("another", "member").await);
        assert_eq!(carts.find("member").await, items(&[("lamp", 1), ("mat", 99)]));
        assert_eq!(carts.find("guest").await, Items::new());
        // What comes under the old name later is not moved by the same merge, also not after a restart.
        carts.set_quantity("guest".into(), "bowl".into(), 1).await.unwrap();
        let reopened = Carts::open(path).unwrap();
        reopened.move_cart("m1".into(), "guest".into(), "member".into()).await.unwrap();
        assert_eq!(reopened.find("guest").await, items(&[("bowl", 1)]));
        assert!(reopened.has_come("guest", "member").await);
    }

    #[tokio::test]
    async fn an_empty_cart_comes_too() {
        let folder = tempfile::tempdir().unwrap();
        let carts = Carts::open(folder.path().join("shop.json")).unwrap();
        carts.move_cart("m1".into(), "guest".into(), "member".into()).await.unwrap();
        assert!(carts.has_come("guest", "member").await);
        assert!(carts.content.lock().await.carts.is_empty());
        carts.move_back("m1".into(), "guest".into(), "member".into()).await.unwrap();
        assert!(!carts.has_come("guest", "member").await);
    }

    #[tokio::test]
    async fn what_a_merge_brought_goes_back_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.json");
        fs::write(&path, r#"{"moved":["m0"],"guest":{"mat":2,"lamp":1,"bowl":1},"member":{"mat":1}}"#).unwrap();
        let carts = Carts::open(path.clone()).unwrap();
        carts.move_cart("m1".into(), "guest".into(), "member".into()).await.unwrap();
        // The member takes out a lamp and a mat of the three, and adds a bowl.
        carts.set_quantity("member".into(), "lamp".into(), 0).await.unwrap();
        carts.set_quantity("member".into(), "bowl".into(), 2).await.unwrap();
        carts.set_quantity("member".into(), "mat".into(), 2).await.unwrap();
        let carts = Carts::open(path).unwrap();
        for _ in 0..2 {
            carts.move_back("m1".into(), "guest".into(), "member".into()).await.unwrap();
            assert_eq!(carts.find("guest").await, items(&[("bowl", 1), ("mat", 2)]));
            assert_eq!(carts.find("member").await, items(&[("bowl", 1)]));
        }
        // The question once more, and one that never came before its end, move nothing.
        carts.move_back("m2".into(), "guest".into(), "member".into()).await.unwrap();
        for merge in ["m1", "m2"] {
            carts.move_cart(merge.into(), "guest".into(), "member".into()).await.unwrap();
        }
        assert_eq!(carts.find("guest").await, items(&[("bowl", 1), ("mat", 2)]));
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
        assert_eq!(reopened.content.lock().await.carts.len(), 20);
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
