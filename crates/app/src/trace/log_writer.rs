//! Writes the log on a thread of its own. Lines wait in a bounded queue; when it is full or the output fails they are dropped and
//! counted, so that logging never blocks or ends a thread that serves.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    io::{self, Write},
    panic::{self, PanicHookInfo},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc::{Receiver, Sender, SyncSender, channel, sync_channel},
    },
    thread,
    time::Duration,
};

/// Lines that wait at most.
const QUEUE: usize = 2_048;
/// Maximum wait for the last lines at the end of the process.
const LAST_WAIT: Duration = Duration::from_secs(1);

enum Message {
    Line(Vec<u8>),
    /// Answers when the lines before it are written.
    Flush(Sender<()>),
}

/// Takes lines, one in each write.
pub(super) struct LogWriter {
    queue: SyncSender<Message>,
    dropped: Arc<AtomicU64>,
}

impl LogWriter {
    /// Writes to this output.
    pub(super) fn start(output: impl Write + Send + 'static) -> Self {
        let (queue, lines) = sync_channel(QUEUE);
        let dropped = Arc::new(AtomicU64::new(0));
        let of_thread = Arc::clone(&dropped);
        // Without the thread every line is dropped, and counted.
        drop(thread::Builder::new().name("log".into()).spawn(move || write_lines(&lines, output, &of_thread)));
        Self { queue, dropped }
    }

    /// The number of lines that were dropped.
    pub(super) fn dropped(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.dropped)
    }

    /// Waits until the lines so far are written, but not for long.
    pub(super) fn flush(&self) {
        let (done, is_done) = channel();
        if self.queue.try_send(Message::Flush(done)).is_ok() {
            is_done.recv_timeout(LAST_WAIT).ok();
        }
    }
}

impl Write for &LogWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.queue.try_send(Message::Line(line.to_vec())).is_err() {
            self.dropped.fetch_add(1, Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write_lines(lines: &Receiver<Message>, mut output: impl Write, dropped: &AtomicU64) {
    let mut is_torn = false;
    for message in lines {
        match message {
            Message::Line(line) => {
                // A part of the line before may have been written.
                let start: &[u8] = if is_torn { b"\n" } else { b"" };
                let written = output.write_all(start).and_then(|()| output.write_all(&line));
                is_torn = written.and_then(|()| output.flush()).is_err();
                dropped.fetch_add(u64::from(is_torn), Relaxed);
            }
            Message::Flush(done) => {
                done.send(()).ok();
            }
        }
    }
}

/// Has panics logged like everything else: the default writes to standard error itself, and waits for it.
pub(super) fn log_panics() {
    panic::set_hook(Box::new(|info| {
        let backtrace = Backtrace::capture();
        let backtrace = (backtrace.status() == BacktraceStatus::Captured).then(|| backtrace.to_string());
        let current = thread::current();
        tracing::error!(
            panic.at = info.location().map(tracing::field::display),
            panic.thread = current.name(),
            panic.backtrace = backtrace,
            "a thread panicked: {}",
            message_of(info)
        );
    }));
}

fn message_of<'a>(info: &'a PanicHookInfo<'_>) -> &'a str {
    let payload = info.payload();
    let owned = || payload.downcast_ref::<String>().map(String::as_str);
    payload.downcast_ref::<&str>().copied().or_else(owned).unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use std::{
        fs::OpenOptions,
        io::{BufRead as _, BufReader, pipe},
    };

    use super::*;

    fn write(log: &LogWriter, line: &str) {
        let mut writer = log;
        assert_eq!(writer.write(line.as_bytes()).expect("it never fails"), line.len());
    }

    #[test]
    fn unread_lines_are_dropped_and_counted_and_block_no_writer() {
        let (reader, output) = pipe().expect("a pipe");
        let log = LogWriter::start(output);
        let line = format!("{}\n", "x".repeat(99));
        // A pipe holds some hundreds of them, and the queue its number.
        let all = 4 * QUEUE;
        for _ in 0..all {
            write(&log, &line);
        }
        let dropped = log.dropped();
        assert!(dropped.load(Relaxed) > QUEUE as u64);
        log.flush();
        // It goes on when the reader does.
        let (sender, read) = channel();
        thread::spawn(move || {
            for line in BufReader::new(reader).lines().map_while(Result::ok) {
                sender.send(line).ok();
            }
        });
        let whole = all - usize::try_from(dropped.load(Relaxed)).expect("few");
        for _ in 0..whole {
            assert_eq!(read.recv().expect("a line").len(), 99, "whole lines");
        }
        write(&log, "the last\n");
        log.flush();
        assert_eq!(read.recv().expect("a line"), "the last");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn lines_that_cannot_be_written_are_counted() {
        let full = OpenOptions::new().write(true).open("/dev/full").expect("a full device");
        let log = LogWriter::start(full);
        for _ in 0..3 {
            write(&log, "a line\n");
        }
        log.flush();
        assert_eq!(log.dropped().load(Relaxed), 3);
    }

    #[test]
    fn lines_arrive_whole_and_in_order() {
        let (reader, output) = pipe().expect("a pipe");
        let log = LogWriter::start(output);
        for number in 0..100 {
            write(&log, &format!("line {number}\n"));
        }
        log.flush();
        let lines: Vec<String> = BufReader::new(reader).lines().take(100).map(|line| line.expect("a line")).collect();
        assert_eq!((lines[0].as_str(), lines[99].as_str()), ("line 0", "line 99"));
        assert_eq!(log.dropped().load(Relaxed), 0);
    }
}
