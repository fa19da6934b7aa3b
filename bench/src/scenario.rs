//! The scenarios: their requests and the expected responses.

use std::{
    cell::{Cell, RefCell},
    error::Error,
    pin::Pin,
    rc::Rc,
    sync::Arc,
};

use tokio::task::LocalSet;

use crate::{
    device::{self, DeviceKey, Pair, Pairs},
    load::{ConnectionState, Source},
    promotion::{self, Promotions},
    request::{forwarded, get, post, sign_up, sign_up_for},
    wire::{Answer, Connection},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Scenario {
    /// A web guest with a refresh token.
    Signup,
    /// A web guest that is not stored.
    SignupLazy,
    /// A web guest with a session cookie.
    SignupCookie,
    /// A guest with a new device key (RSA, as the SDKs generate them); challenges are fetched and requests signed
    /// before the measurement.
    SignupKey,
    /// A sign-in with a known device key; prepared in the same way.
    ReloginKey,
    /// The same with a P-256 key.
    ReloginKeyP256,
    /// New tokens for a refresh token; the ID token is signed with ES256.
    Refresh,
    /// The same with RS256, which older applications keep.
    RefreshRs256,
    /// The same with ES256, and with an access token that is a JWT, too.
    RefreshJwt,
    /// UserInfo with an access token.
    Userinfo,
    /// The same with a connection for each request, which the client closes.
    UserinfoFresh,
    /// The same, and the client asks the server to close it.
    UserinfoClosed,
    /// UserInfo with tokens that were not used for a minute; for `--aims` only.
    #[value(skip)]
    UserinfoOnce,
    /// A reverse proxy's request to the resolver.
    Resolve,
    /// Promotion of a web guest with username and password: sign-up, promotion code, two pages, new tokens.
    Promotion,
    /// A day's guests: nine of ten sign up, call UserInfo once and never return; the tenth refreshes and calls it
    /// twice.
    MixedDay,
}

/// The floor of a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// The empty handler.
    Handler,
    /// The same two rows.
    Rows,
}

pub const ALL: [Scenario; 15] = [
    Scenario::Signup,
    Scenario::SignupLazy,
    Scenario::SignupCookie,
    Scenario::SignupKey,
    Scenario::ReloginKey,
    Scenario::ReloginKeyP256,
    Scenario::Refresh,
    Scenario::RefreshRs256,
    Scenario::RefreshJwt,
    Scenario::Userinfo,
    Scenario::UserinfoFresh,
    Scenario::UserinfoClosed,
    Scenario::Resolve,
    Scenario::Promotion,
    Scenario::MixedDay,
];

impl Scenario {
    pub fn name(self) -> &'static str {
        match self {
            Self::Signup => "signup",
            Self::SignupLazy => "signup_lazy",
            Self::SignupCookie => "signup_cookie",
            Self::SignupKey => "signup_key",
            Self::ReloginKey => "relogin_key",
            Self::ReloginKeyP256 => "relogin_key_p256",
            Self::Refresh => "refresh",
            Self::RefreshRs256 => "refresh_rs256",
            Self::RefreshJwt => "refresh_jwt",
            Self::Userinfo => "userinfo",
            Self::UserinfoFresh => "userinfo_fresh",
            Self::UserinfoClosed => "userinfo_closed",
            Self::UserinfoOnce => "userinfo_once",
            Self::Resolve => "resolve",
            Self::Promotion => "promotion",
            Self::MixedDay => "mixed_day",
        }
    }

    pub fn ground(self) -> Ground {
        match self {
            Self::SignupLazy
            | Self::Userinfo
            | Self::UserinfoFresh
            | Self::UserinfoClosed
            | Self::UserinfoOnce
            | Self::Resolve => Ground::Handler,
            Self::Signup
            | Self::SignupCookie
            | Self::SignupKey
            | Self::ReloginKey
            | Self::ReloginKeyP256
            | Self::Refresh
            | Self::RefreshRs256
            | Self::RefreshJwt
            | Self::Promotion
            | Self::MixedDay => Ground::Rows,
        }
    }

    /// Number of requests per unit of the scenario.
    pub fn requests(self) -> usize {
        match self {
            Self::Promotion => promotion::REQUESTS,
            Self::Signup
            | Self::SignupLazy
            | Self::SignupCookie
            | Self::SignupKey
            | Self::ReloginKey
            | Self::ReloginKeyP256
            | Self::Refresh
            | Self::RefreshRs256
            | Self::RefreshJwt
            | Self::Userinfo
            | Self::UserinfoFresh
            | Self::UserinfoClosed
            | Self::UserinfoOnce
            | Self::Resolve
            | Self::MixedDay => 1,
        }
    }
}

/// Tokens of existing guests.
#[derive(Clone, Default)]
pub struct Guest {
    pub refresh: String,
    pub access: String,
}

pub struct Stage {
    /// The project's `Host`.
    pub host: String,
    pub guests: Rc<Vec<Guest>>,
    /// Keys of existing guests.
    pub keys: Vec<Arc<DeviceKey>>,
    /// The same with P-256 keys.
    pub p256_keys: Vec<Arc<DeviceKey>>,
    /// The key pairs.
    pub pairs: Pairs,
}

impl Stage {
    pub fn new(port: u16, pairs: Pairs) -> Self {
        let host = format!("127.0.0.1:{port}");
        Self { host, guests: Rc::default(), keys: Vec::new(), p256_keys: Vec::new(), pairs }
    }

    pub fn source(&self, scenario: Scenario) -> Rc<dyn Source> {
        let (host, guests) = (self.host.clone(), Rc::clone(&self.guests));
        match scenario {
            Scenario::Signup => {
                Rc::new(Fixed { request: sign_up(&host, "refresh_token"), expected: "\"refresh_token\"" })
            }
            Scenario::SignupLazy => {
                let request = sign_up_for(&host, "bench-lazy", "refresh_token");
                Rc::new(Fixed { request, expected: "\"refresh_token\"" })
            }
            Scenario::SignupCookie => Rc::new(Fixed { request: sign_up(&host, "cookie"), expected: "\"result\"" }),
            Scenario::SignupKey | Scenario::ReloginKey | Scenario::ReloginKeyP256 => {
                Rc::new(Keys { ready: RefCell::default(), host })
            }
            Scenario::Promotion => Rc::new(Promotions::new(host)),
            Scenario::Refresh => Rc::new(Refresh { host, client: "bench", guests }),
            Scenario::RefreshRs256 => Rc::new(Refresh { host, client: "bench-rs256", guests }),
            Scenario::RefreshJwt => Rc::new(Refresh { host, client: "bench-jwt", guests }),
            Scenario::Userinfo => self.user_info(Order::Random, Keeping::Open),
            Scenario::UserinfoFresh => self.user_info(Order::Random, Keeping::ClosedByClient),
            Scenario::UserinfoClosed => self.user_info(Order::Random, Keeping::ClosedByServer),
            Scenario::UserinfoOnce => self.user_info_once(0, 1),
            Scenario::Resolve => {
                let (order, keeping) = (Order::Random, Keeping::Open);
                Rc::new(Bearer { host, path: "/_resolver/resolve", expected: "", guests, order, keeping })
            }
            Scenario::MixedDay => Rc::new(MixedDay { host, guests }),
        }
    }

    fn user_info(&self, order: Order, keeping: Keeping) -> Rc<dyn Source> {
        let (host, guests) = (self.host.clone(), Rc::clone(&self.guests));
        Rc::new(Bearer { host, path: "/oauth2/userinfo", expected: "\"sub\"", guests, order, keeping })
    }

    /// UserInfo with each guest's token once, in no order; in one of several rounds, which share the guests.
    pub fn user_info_once(&self, round: usize, rounds: usize) -> Rc<dyn Source> {
        let share = self.guests.len() / rounds;
        self.user_info(Order::Once { next: Cell::new(round * share), end: (round + 1) * share }, Keeping::Open)
    }

    /// Signs up guests, or refreshes existing ones, and keeps their tokens.
    pub async fn gather(
        &mut self,
        port: u16,
        client: &'static str,
        known: Vec<String>,
        count: usize,
    ) -> Result<(), Box<dyn Error>> {
        let host = Rc::<str>::from(self.host.as_str());
        let known = Rc::new(known);
        let count = if known.is_empty() { count } else { known.len() };
        let guests = gather_in_parallel(port, count, move |connection, number| {
            let (host, known) = (Rc::clone(&host), Rc::clone(&known));
            Box::pin(async move {
                let Some(refresh) = known.get(number) else {
                    let answer = connection.ask(&sign_up_for(&host, client, "refresh_token")).await?;
                    let (Some(refresh), Some(access)) = (answer.text("refresh_token"), answer.text("access_token"))
                    else {
                        return Err(format!("no guest: {}", String::from_utf8_lossy(answer.body)).into());
                    };
                    return Ok(Guest { refresh: refresh.to_owned(), access: access.to_owned() });
                };
                let (mut request, mut state) = (Vec::new(), ConnectionState::new(number));
                write_refresh(&mut request, &host, &mut state, client, refresh);
                let answer = connection.ask(&request).await?;
                let Some(access) = answer.text("access_token").map(str::to_owned) else {
                    return Err(format!("no refresh: {}", String::from_utf8_lossy(answer.body)).into());
                };
                Ok(Guest { refresh: refresh.clone(), access })
            })
        })
        .await?;
        self.guests = Rc::new(guests);
        Ok(())
    }

    /// Signs up guests with device keys, for the sign-in scenarios.
    pub async fn gather_keys(&mut self, port: u16, count: usize, scenario: Scenario) -> Result<(), Box<dyn Error>> {
        let pair = self.pair(scenario);
        let keys: Vec<_> = (0..count).map(|_| Arc::new(DeviceKey::new(&pair))).collect();
        let host = Rc::<str>::from(self.host.as_str());
        let requests = Rc::new(RefCell::new(self.sign_requests(port, keys.clone()).await?));
        let accepted = gather_in_parallel(port, count, move |connection, number| {
            let (host, requests) = (Rc::clone(&host), Rc::clone(&requests));
            Box::pin(async move {
                let body = requests.borrow_mut().pop().unwrap_or_default();
                let mut request = Vec::new();
                write_key_request(&mut request, &host, &mut ConnectionState::new(number), &body);
                let answer = connection.ask(&request).await?;
                let text = || String::from_utf8_lossy(answer.body).into_owned();
                if answer.status == 200 { Ok(()) } else { Err(format!("no guest: {}", text()).into()) }
            })
        })
        .await?;
        debug_assert_eq!(accepted.len(), count);
        match scenario {
            Scenario::ReloginKeyP256 => self.p256_keys = keys,
            _ => self.keys = keys,
        }
        Ok(())
    }

    fn pair(&self, scenario: Scenario) -> Arc<Pair> {
        Arc::clone(match scenario {
            Scenario::ReloginKeyP256 => &self.pairs.p256,
            _ => &self.pairs.rsa,
        })
    }

    /// A source of signed requests of known keys in turn (a user has a limit of sixty token requests a minute), or of
    /// new keys.
    pub async fn prepare_keys(
        &self,
        scenario: Scenario,
        port: u16,
        count: usize,
    ) -> Result<Rc<dyn Source>, Box<dyn Error>> {
        let keys = match scenario {
            Scenario::ReloginKey => self.keys.iter().cycle().take(count).map(Arc::clone).collect(),
            Scenario::ReloginKeyP256 => self.p256_keys.iter().cycle().take(count).map(Arc::clone).collect(),
            _ => (0..count).map(|_| Arc::new(DeviceKey::new(&self.pair(scenario)))).collect(),
        };
        let ready = RefCell::new(self.sign_requests(port, keys).await?);
        Ok(Rc::new(Keys { host: self.host.clone(), ready }))
    }

    /// Fetches a challenge for each key and signs it, on all processors.
    async fn sign_requests(&self, port: u16, keys: Vec<Arc<DeviceKey>>) -> Result<Vec<String>, Box<dyn Error>> {
        let host = Rc::<str>::from(self.host.as_str());
        let challenges = gather_in_parallel(port, keys.len(), move |connection, _| {
            let host = Rc::clone(&host);
            Box::pin(async move {
                let mut request = Vec::new();
                post(
                    &mut request,
                    &host,
                    "/oauth2/challenge",
                    "application/json",
                    "",
                    br#"{"purpose":"anonymous_request"}"#,
                );
                let answer = connection.ask(&request).await?;
                Ok(answer.text("token").ok_or("no challenge")?.to_owned())
            })
        })
        .await?;
        Ok(device::sign_all(&keys, &challenges))
    }
}

type Gathered<'c, T> = Pin<Box<dyn Future<Output = Result<T, Box<dyn Error>>> + 'c>>;

/// Creates many values over several connections in parallel.
async fn gather_in_parallel<T: 'static>(
    port: u16,
    count: usize,
    make: impl for<'c> Fn(&'c mut Connection, usize) -> Gathered<'c, T> + 'static,
) -> Result<Vec<T>, Box<dyn Error>> {
    const CONNECTIONS: usize = 32;
    let (local, make) = (LocalSet::new(), Rc::new(make));
    let workers: Vec<_> = (0..CONNECTIONS)
        .map(|first| {
            let make = Rc::clone(&make);
            local.spawn_local(async move {
                let (mut connection, mut made) = (Connection::open(port).await?, Vec::new());
                for number in (first..count).step_by(CONNECTIONS) {
                    made.push(make(&mut connection, number).await?);
                }
                Ok::<_, Box<dyn Error>>(made)
            })
        })
        .collect();
    local.await;
    let mut all = Vec::with_capacity(count);
    for worker in workers {
        all.extend(worker.await??);
    }
    Ok(all)
}

fn write_refresh(out: &mut Vec<u8>, host: &str, state: &mut ConnectionState, client: &str, token: &str) {
    let body = format!("grant_type=refresh_token&client_id={client}&refresh_token={token}");
    post(out, host, "/oauth2/token", "application/x-www-form-urlencoded", &forwarded(state), body.as_bytes());
}

fn holds(answer: &Answer<'_>, expected: &str) -> bool {
    answer.status == 200
        && (expected.is_empty() || answer.body.windows(expected.len()).any(|part| part == expected.as_bytes()))
}

/// The same request repeatedly.
pub struct Fixed {
    pub request: Vec<u8>,
    pub expected: &'static str,
}

impl Source for Fixed {
    fn write(&self, _: &mut ConnectionState, out: &mut Vec<u8>) -> bool {
        out.extend_from_slice(&self.request);
        true
    }

    fn judge(&self, _: &mut ConnectionState, answer: &Answer<'_>) -> bool {
        holds(answer, self.expected)
    }
}

struct Bearer {
    host: String,
    path: &'static str,
    expected: &'static str,
    guests: Rc<Vec<Guest>>,
    order: Order,
    keeping: Keeping,
}

/// Whether requests share a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keeping {
    Open,
    ClosedByClient,
    ClosedByServer,
}

/// Whose token comes next.
enum Order {
    /// Any guest's.
    Random,
    /// Each guest's once, until an end.
    Once { next: Cell<usize>, end: usize },
}

impl Source for Bearer {
    fn write(&self, state: &mut ConnectionState, out: &mut Vec<u8>) -> bool {
        let guest = match &self.order {
            Order::Random => Some(pick(&self.guests, state)),
            Order::Once { next, end } => {
                let turn = next.get();
                next.set(turn + 1);
                // A prime beyond any number of guests, so that each has one turn, and neighbors in the store do not follow each other.
                let place = turn * 1_000_003 % self.guests.len().max(1);
                self.guests.get(place).filter(|_| turn < *end)
            }
        };
        let Some(guest) = guest else { return false };
        let extra = if self.keeping == Keeping::ClosedByServer { "Connection: close\r\n" } else { "" };
        get(out, &self.host, self.path, &guest.access, extra);
        true
    }

    fn is_fresh(&self) -> bool {
        self.keeping != Keeping::Open
    }

    fn judge(&self, _: &mut ConnectionState, answer: &Answer<'_>) -> bool {
        // The resolver's response has no body; a header names the user.
        let named = self.expected.is_empty() && answer.header("x-authgear-user-id").is_none();
        holds(answer, self.expected) && !named
    }
}

fn pick<'a>(guests: &'a [Guest], state: &mut ConnectionState) -> &'a Guest {
    let place = usize::try_from(state.draw() % guests.len() as u64).unwrap_or(0);
    &guests[place]
}

struct Refresh {
    host: String,
    client: &'static str,
    guests: Rc<Vec<Guest>>,
}

impl Source for Refresh {
    fn write(&self, state: &mut ConnectionState, out: &mut Vec<u8>) -> bool {
        let guest = pick(&self.guests, state).refresh.clone();
        write_refresh(out, &self.host, state, self.client, &guest);
        true
    }

    fn judge(&self, _: &mut ConnectionState, answer: &Answer<'_>) -> bool {
        holds(answer, "\"id_token\"")
    }
}

struct MixedDay {
    host: String,
    guests: Rc<Vec<Guest>>,
}

impl Source for MixedDay {
    fn write(&self, state: &mut ConnectionState, out: &mut Vec<u8>) -> bool {
        match (state.step, state.held.pop()) {
            (1.., Some(access)) => {
                get(out, &self.host, "/oauth2/userinfo", &access, "");
                if state.step > 1 {
                    state.held.push(access);
                }
                state.step -= 1;
            }
            _ if state.draw().is_multiple_of(10) => {
                let refresh = pick(&self.guests, state).refresh.clone();
                write_refresh(out, &self.host, state, "bench", &refresh);
                state.step = 2;
            }
            _ => {
                out.extend_from_slice(&sign_up(&self.host, "refresh_token"));
                state.step = 1;
            }
        }
        true
    }

    fn judge(&self, state: &mut ConnectionState, answer: &Answer<'_>) -> bool {
        if let Some(access) = answer.text("access_token") {
            state.held = vec![access.to_owned()];
        }
        answer.status == 200
    }
}

/// Guests with device keys: requests that were signed before.
struct Keys {
    host: String,
    ready: RefCell<Vec<String>>,
}

fn write_key_request(out: &mut Vec<u8>, host: &str, state: &mut ConnectionState, jwt: &str) {
    let body = format!(
        "grant_type=urn%3Aauthgear%3Aparams%3Aoauth%3Agrant-type%3Aanonymous-request&client_id=bench-native&jwt={jwt}"
    );
    post(out, host, "/oauth2/token", "application/x-www-form-urlencoded", &forwarded(state), body.as_bytes());
}

impl Source for Keys {
    fn write(&self, state: &mut ConnectionState, out: &mut Vec<u8>) -> bool {
        let Some(jwt) = self.ready.borrow_mut().pop() else { return false };
        write_key_request(out, &self.host, state, &jwt);
        true
    }

    fn judge(&self, _: &mut ConnectionState, answer: &Answer<'_>) -> bool {
        holds(answer, "\"refresh_token\"")
    }
}
