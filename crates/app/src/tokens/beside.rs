//! Tokens made while the write that makes them valid is on its way to the disk (decision 106).

use std::{future::poll_fn, pin::pin, task::Poll};

/// Begins a write, makes its answer while the write waits for its commit, and gives both once it has committed: what was made for a
/// write that failed is dropped. A write that is refused at once has nothing made.
///
/// `make` is for what takes microseconds: it runs on the thread of the request.
///
/// # Errors
/// Those of the write.
pub(crate) async fn make_beside<V, E, T>(
    write: impl Future<Output = Result<V, E>>,
    make: impl FnOnce() -> T,
) -> Result<(V, T), E> {
    let mut write = pin!(write);
    // The first poll queues the write.
    let begun = poll_fn(|context| Poll::Ready(write.as_mut().poll(context))).await;
    match begun {
        Poll::Ready(written) => Ok((written?, make())),
        Poll::Pending => {
            let made = make();
            Ok((write.await?, made))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use tokio::task::yield_now;

    use super::*;

    /// What happened, in order, and the result; the write waits this often.
    async fn run(waits: u32, written: Result<u8, &'static str>) -> (Vec<&'static str>, Result<(u8, u8), &'static str>) {
        let log = RefCell::new(Vec::new());
        let write = async {
            log.borrow_mut().push("queued");
            for _ in 0..waits {
                yield_now().await;
            }
            log.borrow_mut().push("committed");
            written
        };
        let result = make_beside(write, || {
            log.borrow_mut().push("made");
            7
        })
        .await;
        (log.into_inner(), result)
    }

    #[tokio::test]
    async fn what_is_made_is_made_between_queue_and_commit_and_given_after_it() {
        assert_eq!(run(1, Ok(1)).await, (vec!["queued", "made", "committed"], Ok((1, 7))));
        assert_eq!(run(3, Ok(1)).await, (vec!["queued", "made", "committed"], Ok((1, 7))));
        assert_eq!(run(0, Ok(1)).await, (vec!["queued", "committed", "made"], Ok((1, 7))));
    }

    #[tokio::test]
    async fn a_write_that_fails_gives_nothing_and_one_that_fails_at_once_has_nothing_made() {
        assert_eq!(run(1, Err("lost")).await, (vec!["queued", "made", "committed"], Err("lost")));
        assert_eq!(run(0, Err("busy")).await, (vec!["queued", "committed"], Err("busy")));
    }
}
