//! Termination of the process: gracefully on a signal, and at the end of the grace period even if threads are blocked.

use std::time::Duration;

use super::CommandError;

/// Listens for SIGTERM, SIGHUP and Ctrl-C from now on. The future resolves at the first of them; the process exits when
/// `grace` has passed since then, or at a second Ctrl-C.
#[cfg(unix)]
pub(super) fn listen(grace: Duration) -> Result<impl Future<Output = ()>, CommandError> {
    use signal_hook::{
        consts::{SIGHUP, SIGINT, SIGTERM},
        iterator::Signals,
        low_level,
    };
    use tokio::sync::watch;

    /// Interval of checks for a second Ctrl-C.
    const STEP: Duration = Duration::from_millis(20);
    /// A shell's exit status of a program that Ctrl-C ended.
    const INTERRUPTED: i32 = 128 + SIGINT;

    let mut signals = Signals::new([SIGTERM, SIGHUP, SIGINT])?;
    let (stop_sender, mut stop_receiver) = watch::channel(false);
    // A separate thread: the runtime's workers may all be busy or blocked.
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        signals.forever().next();
        stop_sender.send_replace(true);
        for _ in 0..grace.as_millis().div_ceil(STEP.as_millis()) {
            std::thread::sleep(STEP);
            if signals.pending().any(|signal| signal == SIGINT) {
                low_level::exit(INTERRUPTED);
            }
        }
        end_now();
    })?;
    Ok(async move {
        // The sender lives as long as the process.
        let _ = stop_receiver.wait_for(|stop_receiver| *stop_receiver).await;
    })
}

/// Exits without waiting for any thread. Acknowledged writes are on disk.
#[cfg(unix)]
fn end_now() -> ! {
    // A separate thread again: writing the log may be what blocks.
    let stop_receiver = std::thread::Builder::new().spawn(|| {
        tracing::error!("the grace period is over: stopping although requests are still running");
    });
    drop(stop_receiver);
    std::thread::sleep(Duration::from_millis(50));
    signal_hook::low_level::exit(1)
}

#[cfg(not(unix))]
pub(super) fn listen(_: Duration) -> Result<impl Future<Output = ()>, CommandError> {
    Ok(async {
        drop(tokio::signal::ctrl_c().await);
    })
}

/// Exits quietly when the reader of the output has closed it, as in `vestibule … | head`, instead of a panic.
#[cfg(unix)]
pub(super) fn end_on_closed_pipe() {
    use std::sync::{Arc, atomic::AtomicBool};

    use signal_hook::{consts::SIGPIPE, flag};

    // A shell's exit status of a program that this signal ended. Without the handler the command only ends with a
    // message.
    flag::register_conditional_shutdown(SIGPIPE, 128 + SIGPIPE, Arc::new(AtomicBool::new(true))).ok();
}

#[cfg(not(unix))]
pub(super) fn end_on_closed_pipe() {}
