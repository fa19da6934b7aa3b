//! Stores what came of a try again and again while the store is busy or away: without that, its receiver would be asked once more when the
//! claim has run out, two minutes later.

use std::time::Duration;

use vestibule_store::StoreError;

/// Pauses between two attempts. Together they are shorter than the time for which others leave a claimed delivery alone after its time-out.
const PAUSES: [Duration; 6] = [
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(20),
];

/// Repeats a write until it is done, fails for another reason than that the store is busy or away, or there is no time left. It must be
/// one that may happen twice.
///
/// # Errors
/// The last one.
pub(super) async fn keep_trying<T, F>(write: impl FnMut() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    keep_trying_after(&PAUSES, write).await
}

async fn keep_trying_after<T, F>(pauses: &[Duration], mut write: impl FnMut() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    for pause in pauses {
        match write().await {
            // A store that is closed is so for good.
            Err(error) if error.is_transient() && !matches!(error, StoreError::Closed) => {
                tracing::debug!(error = %error, "the result of a webhook delivery could not be stored; trying again");
            }
            done => return done,
        }
        tokio::time::sleep(*pause).await;
    }
    write().await
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// What comes of a write that fails so often with an error; and how often it was tried.
    async fn try_with(failures: usize, error: StoreError) -> (bool, usize) {
        let tries = Cell::new(0);
        let done = keep_trying_after(&[Duration::ZERO; PAUSES.len()], || {
            tries.set(tries.get() + 1);
            let answer = if tries.get() > failures { Ok(()) } else { Err(error.clone()) };
            async move { answer }
        });
        (done.await.is_ok(), tries.get())
    }

    #[tokio::test]
    async fn a_write_is_repeated_while_the_store_is_away() {
        assert_eq!(try_with(0, StoreError::Closed).await, (true, 1));
        assert_eq!(try_with(3, StoreError::Busy("test")).await, (true, 4));
        assert_eq!(try_with(9, StoreError::Unavailable("test".into())).await, (false, PAUSES.len() + 1));
        assert_eq!(try_with(1, StoreError::Closed).await, (false, 1));
        assert_eq!(try_with(1, StoreError::UnfinishedMove).await, (false, 1));
        let all: Duration = PAUSES.iter().sum();
        assert!(all < super::super::CLAIM_MARGIN, "{all:?}");
    }
}
