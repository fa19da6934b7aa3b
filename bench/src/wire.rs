//! One kept-alive HTTP/1.1 connection with minimal overhead: the load generator shares the machine with the server.

use std::io;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// A connection and its buffer.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

pub struct Answer<'a> {
    pub status: u16,
    pub head: &'a [u8],
    pub body: &'a [u8],
}

impl Answer<'_> {
    /// The first value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let head = std::str::from_utf8(self.head).ok()?;
        head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The text of a `"name":"…"` member in the body.
    pub fn text(&self, name: &str) -> Option<&str> {
        let body = std::str::from_utf8(self.body).ok()?;
        let start = body.find(&format!("\"{name}\":\""))? + name.len() + 4;
        body[start..].split('"').next()
    }
}

/// The positions of a response's parts in the buffer.
struct Shape {
    status: u16,
    head: usize,
    body: Body,
}

enum Body {
    Sized(usize),
    Chunked,
}

impl Connection {
    pub async fn open(port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(8_192) })
    }

    /// Sends a request and waits for the complete response.
    pub async fn ask(&mut self, request: &[u8]) -> io::Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let shape = loop {
            self.read_more().await?;
            if let Some(shape) = read_head(&self.buffer)? {
                break shape;
            }
        };
        let body = match shape.body {
            Body::Sized(length) => {
                while self.buffer.len() < shape.head + length {
                    self.read_more().await?;
                }
                shape.head..shape.head + length
            }
            Body::Chunked => {
                let length = self.read_chunks(shape.head).await?;
                shape.head..shape.head + length
            }
        };
        Ok(Answer { status: shape.status, head: &self.buffer[..shape.head], body: &self.buffer[body] })
    }

    async fn read_more(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// Reads a chunked body and joins its chunks; returns its length.
    async fn read_chunks(&mut self, start: usize) -> io::Result<usize> {
        let (mut at, mut kept) = (start, start);
        loop {
            let line = loop {
                if let Some(end) = self.buffer[at..].windows(2).position(|pair| pair == b"\r\n") {
                    break at + end;
                }
                self.read_more().await?;
            };
            let digits = std::str::from_utf8(&self.buffer[at..line]).map_err(io::Error::other)?;
            let size = usize::from_str_radix(digits.trim(), 16).map_err(io::Error::other)?;
            let (from, to) = (line + 2, line + 2 + size);
            while self.buffer.len() < to + 2 {
                self.read_more().await?;
            }
            if size == 0 {
                return Ok(kept - start);
            }
            self.buffer.copy_within(from..to, kept);
            kept += size;
            at = to + 2;
        }
    }
}

fn read_head(buffer: &[u8]) -> io::Result<Option<Shape>> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    let head = match response.parse(buffer).map_err(io::Error::other)? {
        httparse::Status::Complete(head) => head,
        httparse::Status::Partial => return Ok(None),
    };
    let status = response.code.unwrap_or(0);
    let mut body = Body::Sized(0);
    for header in response.headers.iter() {
        if header.name.eq_ignore_ascii_case("content-length") {
            let digits = std::str::from_utf8(header.value).map_err(io::Error::other)?;
            body = Body::Sized(digits.trim().parse().map_err(io::Error::other)?);
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            body = Body::Chunked;
        }
    }
    Ok(Some(Shape { status, head, body }))
}
