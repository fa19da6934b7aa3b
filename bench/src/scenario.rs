//! The scenarios: what is asked, and what the answer must be.

use std::{cell::RefCell, error::Error, rc::Rc};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};

use crate::{
    load::{Hand, Source},
    wire::{Answer, Connection},
};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Scenario {
    /// A web guest with a refresh token.
    Signup,
    /// A web guest with a session cookie.
    SignupCookie,
    /// A guest with a new device key: challenge, then sign-up.
    SignupKey,
    /// A known device key comes back: challenge, then re-login.
    ReloginKey,
    /// Fresh tokens for a refresh token; the ID token is signed with ES256.
    Refresh,
    /// The same with RS256, the default of applications.
    RefreshRs256,
    /// Who am I, by access token.
    Userinfo,
    /// The reverse proxy's question.
    Resolve,
    /// Guests of a day: nine of ten sign up, ask who they are and never return; the tenth refreshes and asks twice.
    MixedDay,
}

/// Which floor a scenario stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// The empty handler.
    Handler,
    /// The same two rows.
    Rows,
}

pub const ALL: [Scenario; 9] = [
    Scenario::Signup,
    Scenario::SignupCookie,
    Scenario::SignupKey,
    Scenario::ReloginKey,
    Scenario::Refresh,
    Scenario::RefreshRs256,
    Scenario::Userinfo,
    Scenario::Resolve,
    Scenario::MixedDay,
];

impl Scenario {
    pub fn name(self) -> &'static str {
        match self {
            Self::Signup => "signup",
            Self::SignupCookie => "signup_cookie",
            Self::SignupKey => "signup_key",
            Self::ReloginKey => "relogin_key",
            Self::Refresh => "refresh",
            Self::RefreshRs256 => "refresh_rs256",
            Self::Userinfo => "userinfo",
            Self::Resolve => "resolve",
            Self::MixedDay => "mixed_day",
        }
    }

    pub fn ground(self) -> Ground {
        match self {
            Self::Userinfo | Self::Resolve => Ground::Handler,
            Self::Signup
            | Self::SignupCookie
            | Self::SignupKey
            | Self::ReloginKey
            | Self::Refresh
            | Self::RefreshRs256
            | Self::MixedDay => Ground::Rows,
        }
    }
}

/// Tokens of guests that are there already.
#[derive(Clone, Default)]
pub struct Guest {
    pub refresh: String,
    pub access: String,
}

/// What every source needs.
pub struct Stage {
    /// The project's `Host`.
    pub host: String,
    pub guests: Rc<Vec<Guest>>,
}

impl Stage {
    pub fn source(&self, scenario: Scenario) -> Rc<dyn Source> {
        let (host, guests) = (self.host.clone(), Rc::clone(&self.guests));
        match scenario {
            Scenario::Signup => {
                Rc::new(Fixed { request: sign_up(&host, "refresh_token"), expected: "\"refresh_token\"" })
            }
            Scenario::SignupCookie => Rc::new(Fixed { request: sign_up(&host, "cookie"), expected: "\"result\"" }),
            Scenario::SignupKey => Rc::new(Keys { host, keys: RefCell::default(), fresh: true }),
            Scenario::ReloginKey => Rc::new(Keys { host, keys: RefCell::default(), fresh: false }),
            Scenario::Refresh => Rc::new(Refresh { host, client: "bench", guests }),
            Scenario::RefreshRs256 => Rc::new(Refresh { host, client: "bench-rs256", guests }),
            Scenario::Userinfo => Rc::new(Bearer { host, path: "/oauth2/userinfo", expected: "\"sub\"", guests }),
            Scenario::Resolve => Rc::new(Bearer { host, path: "/_resolver/resolve", expected: "", guests }),
            Scenario::MixedDay => Rc::new(MixedDay { host, guests }),
        }
    }

    /// Signs guests up, or refreshes those that are there, and keeps their tokens.
    pub async fn gather(
        &mut self,
        port: u16,
        client: &str,
        known: Vec<String>,
        count: usize,
    ) -> Result<(), Box<dyn Error>> {
        let mut guests = Vec::with_capacity(count);
        let mut connection = Connection::open(port).await?;
        let mut hand = Hand { number: 0, random: 99, step: 0, held: Vec::new() };
        if known.is_empty() {
            let request = sign_up_for(&self.host, client, "refresh_token");
            for _ in 0..count {
                let answer = connection.ask(&request).await?;
                let (Some(refresh), Some(access)) = (answer.text("refresh_token"), answer.text("access_token")) else {
                    return Err(format!("no guest: {}", String::from_utf8_lossy(answer.body)).into());
                };
                guests.push(Guest { refresh: refresh.to_owned(), access: access.to_owned() });
            }
        } else {
            for refresh in known {
                let mut request = Vec::new();
                write_refresh(&mut request, &self.host, &mut hand, client, &refresh);
                let answer = connection.ask(&request).await?;
                let Some(access) = answer.text("access_token").map(str::to_owned) else {
                    return Err(format!("no refresh: {}", String::from_utf8_lossy(answer.body)).into());
                };
                guests.push(Guest { refresh, access });
            }
        }
        self.guests = Rc::new(guests);
        Ok(())
    }
}

pub fn sign_up(host: &str, session_type: &str) -> Vec<u8> {
    sign_up_for(host, "bench", session_type)
}

fn sign_up_for(host: &str, client: &str, session_type: &str) -> Vec<u8> {
    let body = format!(r#"{{"client_id":"{client}","session_type":"{session_type}"}}"#);
    let mut request = Vec::new();
    post(&mut request, host, "/api/anonymous_user/signup", "application/json", "", body.as_bytes());
    request
}

fn post(out: &mut Vec<u8>, host: &str, path: &str, media_type: &str, extra: &str, body: &[u8]) {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\n{extra}\r\n",
        body.len()
    );
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(body);
}

fn get(out: &mut Vec<u8>, host: &str, path: &str, token: &str) {
    out.extend_from_slice(
        format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n").as_bytes(),
    );
}

/// The header that names an address of its own for each request: token requests are limited by address.
fn forwarded(hand: &mut Hand) -> String {
    let [a, b, c, ..] = hand.draw().to_be_bytes();
    format!("X-Forwarded-For: 100.{a}.{b}.{c}\r\n")
}

fn write_refresh(out: &mut Vec<u8>, host: &str, hand: &mut Hand, client: &str, token: &str) {
    let body = format!("grant_type=refresh_token&client_id={client}&refresh_token={token}");
    post(out, host, "/oauth2/token", "application/x-www-form-urlencoded", &forwarded(hand), body.as_bytes());
}

fn holds(answer: &Answer<'_>, expected: &str) -> bool {
    answer.status == 200
        && (expected.is_empty() || answer.body.windows(expected.len()).any(|part| part == expected.as_bytes()))
}

/// The same request again and again.
pub struct Fixed {
    pub request: Vec<u8>,
    pub expected: &'static str,
}

impl Source for Fixed {
    fn write(&self, _: &mut Hand, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.request);
    }

    fn judge(&self, _: &mut Hand, answer: &Answer<'_>) -> bool {
        holds(answer, self.expected)
    }
}

struct Bearer {
    host: String,
    path: &'static str,
    expected: &'static str,
    guests: Rc<Vec<Guest>>,
}

impl Source for Bearer {
    fn write(&self, hand: &mut Hand, out: &mut Vec<u8>) {
        get(out, &self.host, self.path, &pick(&self.guests, hand).access);
    }

    fn judge(&self, _: &mut Hand, answer: &Answer<'_>) -> bool {
        // The resolver's answer has no body; it names the user in a header.
        let named = self.expected.is_empty() && answer.header("x-authgear-user-id").is_none();
        holds(answer, self.expected) && !named
    }
}

fn pick<'a>(guests: &'a [Guest], hand: &mut Hand) -> &'a Guest {
    let place = usize::try_from(hand.draw() % guests.len() as u64).unwrap_or(0);
    &guests[place]
}

struct Refresh {
    host: String,
    client: &'static str,
    guests: Rc<Vec<Guest>>,
}

impl Source for Refresh {
    fn write(&self, hand: &mut Hand, out: &mut Vec<u8>) {
        let guest = pick(&self.guests, hand).refresh.clone();
        write_refresh(out, &self.host, hand, self.client, &guest);
    }

    fn judge(&self, _: &mut Hand, answer: &Answer<'_>) -> bool {
        holds(answer, "\"id_token\"")
    }
}

struct MixedDay {
    host: String,
    guests: Rc<Vec<Guest>>,
}

impl Source for MixedDay {
    fn write(&self, hand: &mut Hand, out: &mut Vec<u8>) {
        match (hand.step, hand.held.pop()) {
            (1.., Some(access)) => {
                get(out, &self.host, "/oauth2/userinfo", &access);
                if hand.step > 1 {
                    hand.held.push(access);
                }
                hand.step -= 1;
            }
            _ if hand.draw() % 10 == 0 => {
                let refresh = pick(&self.guests, hand).refresh.clone();
                write_refresh(out, &self.host, hand, "bench", &refresh);
                hand.step = 2;
            }
            _ => {
                out.extend_from_slice(&sign_up(&self.host, "refresh_token"));
                hand.step = 1;
            }
        }
    }

    fn judge(&self, hand: &mut Hand, answer: &Answer<'_>) -> bool {
        if let Some(access) = answer.text("access_token") {
            hand.held = vec![access.to_owned()];
        }
        answer.status == 200
    }
}

/// Guests with device keys: a challenge first, then the signed request.
struct Keys {
    host: String,
    /// Each connection's keys.
    keys: RefCell<Vec<Vec<DeviceKey>>>,
    /// A new key each time, or one that was signed up before.
    fresh: bool,
}

struct DeviceKey {
    pair: Rc<EcdsaKeyPair>,
    header: String,
}

/// Keys a connection comes back with, in turn: a user may ask for tokens sixty times a minute.
const KEYS_EACH: usize = 200;

impl DeviceKey {
    fn new() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("keys can be made");
        let point = pair.public_key().as_ref();
        let (x, y) = (base64url(&point[1..33]), base64url(&point[33..65]));
        let kid = base64url(&aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, point).as_ref()[..16]);
        let jwk = format!(r#"{{"kty":"EC","crv":"P-256","alg":"ES256","kid":"{kid}","x":"{x}","y":"{y}"}}"#);
        let header = format!(r#"{{"typ":"vnd.authgear.anonymous-request","alg":"ES256","kid":"{kid}","jwk":{jwk}}}"#);
        Self { pair: Rc::new(pair), header: base64url(header.as_bytes()) }
    }

    fn sign(&self, challenge: &str) -> String {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |time| time.as_secs());
        let payload = format!(
            r#"{{"iat":{now},"exp":{},"challenge":"{challenge}","action":"auth","device_info":{{}}}}"#,
            now + 300
        );
        let signed = format!("{}.{}", self.header, base64url(payload.as_bytes()));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).expect("P-256 can sign");
        format!("{signed}.{}", base64url(signature.as_ref()))
    }
}

impl Source for Keys {
    fn write(&self, hand: &mut Hand, out: &mut Vec<u8>) {
        let Some(challenge) = hand.held.pop() else {
            let body = br#"{"purpose":"anonymous_request"}"#;
            post(out, &self.host, "/oauth2/challenge", "application/json", "", body);
            return;
        };
        let mut all = self.keys.borrow_mut();
        if all.len() <= hand.number {
            all.resize_with(hand.number + 1, Vec::new);
        }
        let keys = &mut all[hand.number];
        let place = hand.step % KEYS_EACH;
        if self.fresh || keys.len() <= place {
            keys.truncate(place);
            keys.push(DeviceKey::new());
        }
        hand.step += 1;
        let jwt = keys[place].sign(&challenge);
        let body = format!(
            "grant_type=urn%3Aauthgear%3Aparams%3Aoauth%3Agrant-type%3Aanonymous-request&client_id=bench-native&jwt={jwt}"
        );
        post(out, &self.host, "/oauth2/token", "application/x-www-form-urlencoded", &forwarded(hand), body.as_bytes());
    }

    fn judge(&self, hand: &mut Hand, answer: &Answer<'_>) -> bool {
        if let Some(token) = answer.text("token") {
            hand.held = vec![token.to_owned()];
            return true;
        }
        holds(answer, "\"refresh_token\"")
    }
}

fn base64url(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            out.push(char::from(SIGNS[(word >> (18 - 6 * place) & 63) as usize]));
        }
    }
    out
}
