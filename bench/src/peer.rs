//! The requests to the peer.

use std::{error::Error, rc::Rc};

use crate::{
    load::Source,
    scenario::{Fixed, Ground},
    wire::Connection,
};

/// Signs up one guest at the peer; returns its cookies.
pub async fn enter(port: u16) -> Result<String, Box<dyn Error>> {
    let mut connection = Connection::open(port).await?;
    let request = sign_up(port);
    let answer = connection.ask(&request).await?;
    let head = String::from_utf8_lossy(answer.head).into_owned();
    let cookies: Vec<String> = head
        .lines()
        .filter_map(|line| line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie")))
        .filter_map(|(_, value)| value.trim().split(';').next().map(str::to_owned))
        .collect();
    if answer.status != 200 || cookies.is_empty() {
        return Err(format!("the peer refused a guest: {}", String::from_utf8_lossy(answer.body)).into());
    }
    Ok(cookies.join("; "))
}

fn sign_up(port: u16) -> Vec<u8> {
    format!(
        "POST /api/auth/sign-in/anonymous HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}"
    )
    .into_bytes()
}

pub fn ask(port: u16, ground: Ground, cookie: &str) -> Rc<dyn Source> {
    match ground {
        Ground::Rows => Rc::new(Fixed { request: sign_up(port), expected: "\"token\"" }),
        Ground::Handler => Rc::new(Fixed {
            request: format!(
                "GET /api/auth/get-session HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: {cookie}\r\n\r\n"
            )
            .into_bytes(),
            expected: "\"session\"",
        }),
    }
}
