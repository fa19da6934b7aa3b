//! A browser: keeps cookies, follows redirects within the server, fills in and sends forms.

use cookie::{Cookie, SameSite};
use reqwest::{Method, RequestBuilder, header};
use serde_json::Value;
use url::Url;

use super::{
    Http, Reply,
    html::{Form, Page},
};

/// The result of a navigation.
#[derive(Clone, Debug)]
enum Location {
    Nowhere,
    /// On a page of the server.
    Page {
        url: Url,
        page: Box<Page>,
        reply: Box<Reply>,
        /// The form that was posted to get it; a reload posts it again.
        posted: Option<Vec<(String, String)>>,
    },
    /// At the app, another origin.
    App(Url),
}

/// Who made the browser send a request, which decides on the cookies that come with it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sender {
    /// A page of ours, or the address bar.
    Same,
    /// A link on another site: no strict cookies.
    OtherLink,
    /// A form of another site: neither strict nor lax ones.
    OtherForm,
}

/// A browser without JavaScript; a clone is another tab of it.
#[derive(Clone)]
pub(crate) struct Browser {
    http: Http,
    jar: Vec<Cookie<'static>>,
    place: Location,
    typed: Vec<(String, String)>,
    forged: Vec<(String, String)>,
    ticked: Vec<(String, bool)>,
}

impl Browser {
    pub(crate) fn new(http: Http) -> Self {
        Self {
            http,
            jar: Vec::new(),
            place: Location::Nowhere,
            typed: Vec::new(),
            forged: Vec::new(),
            ticked: Vec::new(),
        }
    }

    /// Sends its next requests to another node, like a load balancer without sticky sessions.
    pub(crate) fn go_by(&mut self, http: &Http) {
        self.http = http.clone();
    }

    /// Opens a URL of the server, typed or linked from one of its pages.
    pub(crate) async fn open(&mut self, target: &str) {
        self.navigate(Method::GET, target, None, Sender::Same).await;
    }

    /// Follows a link on another site: no strict cookies are sent.
    pub(crate) async fn open_from_elsewhere(&mut self, target: &str) {
        self.navigate(Method::GET, target, None, Sender::OtherLink).await;
    }

    /// A page on another site posts a form to the server.
    pub(crate) async fn post_from_elsewhere(&mut self, target: &str, fields: &[(String, String)]) {
        self.navigate(Method::POST, target, Some(fields.to_vec()), Sender::OtherForm).await;
    }

    /// Types into the field with this label.
    pub(crate) fn fill(&mut self, label: &str, value: &str) {
        self.typed.push((label.into(), value.into()));
    }

    /// Checks the box or radio button with this label.
    pub(crate) fn tick(&mut self, label: &str) {
        self.ticked.push((label.into(), true));
    }

    /// Unchecks the box with this label.
    pub(crate) fn untick(&mut self, label: &str) {
        self.ticked.push((label.into(), false));
    }

    /// Changes a field without the user, as an attacker would.
    pub(crate) fn forge(&mut self, name: &str, value: &str) {
        self.forged.push((name.into(), value.into()));
    }

    /// Presses the button with this text; sends its form with the input.
    pub(crate) async fn press(&mut self, button: &str) {
        let page = self.page();
        let form = page.forms.iter().find(|form| form.buttons.iter().any(|b| b.text == button));
        let mut form = form.unwrap_or_else(|| panic!("no button \"{button}\" on: {}", page.text)).clone();
        let pressed = form.buttons.iter().find(|b| b.text == button).expect("just found").clone();
        self.fill_in(&mut form);
        for (label, on) in std::mem::take(&mut self.ticked) {
            let id = &form.labels.iter().find(|(text, _)| *text == label).unwrap_or_else(|| panic!("no box {label}")).1;
            let [_, name, value] = form.boxes.iter().find(|[other, ..]| other == id).expect("a box").clone();
            let is_radio = form.boxes.iter().filter(|[_, other, _]| *other == name).count() > 1;
            form.fields.retain(|(other, old)| *other != name || (!is_radio && *old != value));
            if on {
                form.fields.push((name, value));
            }
        }
        if !pressed.name.is_empty() || !form.asks {
            form.fields.push((pressed.name, pressed.value));
        }
        if form.asks {
            let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&form.fields).finish();
            self.open(&format!("{}?{query}", form.action)).await;
        } else {
            self.navigate(Method::POST, &form.action, Some(form.fields), Sender::Same).await;
        }
    }

    /// Applies the input and forged values to a form.
    fn fill_in(&mut self, form: &mut Form) {
        let by_label = std::mem::take(&mut self.typed).into_iter().map(|(label, value)| {
            let labeled = form.labels.iter().find(|(text, _)| *text == label);
            (labeled.unwrap_or_else(|| panic!("no field \"{label}\" in the form")).1.clone(), value)
        });
        let by_label: Vec<_> = by_label.collect();
        for (name, value) in by_label.into_iter().chain(std::mem::take(&mut self.forged)) {
            let field = form.fields.iter_mut().find(|(other, _)| *other == name);
            field.unwrap_or_else(|| panic!("no field called {name}")).1 = value;
        }
    }

    /// Sends a form that is on no page, as an attacker would.
    pub(crate) async fn post(&mut self, target: &str, fields: &[(&str, &str)]) {
        let fields = fields.iter().map(|(name, value)| ((*name).to_string(), (*value).to_string())).collect();
        self.navigate(Method::POST, target, Some(fields), Sender::Same).await;
    }

    /// Presses the passkey button and responds to its options, like an authenticator and the page's script.
    pub(crate) async fn answer_passkey(&mut self, answer: impl FnOnce(&str, &str) -> String) {
        let page = self.page();
        let options = page.passkeys.first().unwrap_or_else(|| panic!("no passkey button on: {}", page.text));
        let asks = |form: &&Form| form.fields.iter().any(|(name, _)| name == "credential");
        let mut form = page.forms.iter().find(asks).expect("the button's form").clone();
        let answer = answer(options, &self.http.origin);
        self.fill_in(&mut form);
        let field = form.fields.iter_mut().find(|(name, _)| name == "credential");
        field.expect("just found").1 = answer;
        self.navigate(Method::POST, &form.action, Some(form.fields), Sender::Same).await;
    }

    pub(crate) async fn follow(&mut self, link: &str) {
        let page = self.page();
        if let Some(carrying) = page.carrying.iter().find(|carrying| carrying.text == link).cloned() {
            let form = page.forms.iter().find(|form| form.id == carrying.form).expect("the form that is taken along");
            let fields = [form.fields.as_slice(), &[carrying.field]].concat();
            return self.navigate(Method::POST, &carrying.action, Some(fields), Sender::Same).await;
        }
        let found = page.links.iter().find(|(text, _)| text == link);
        let target = found.unwrap_or_else(|| panic!("no link \"{link}\" on: {}", page.text)).1.clone();
        self.open(&target).await;
    }

    /// Reloads the page; a posted form is posted again.
    pub(crate) async fn reload(&mut self) {
        let url = self.url().to_string();
        let posted = match &self.place {
            Location::Page { posted, .. } => posted.clone(),
            Location::App(_) | Location::Nowhere => None,
        };
        let method = if posted.is_some() { Method::POST } else { Method::GET };
        self.navigate(method, &url, posted, Sender::Same).await;
    }

    #[track_caller]
    pub(crate) fn hidden(&self, name: &str) -> Option<String> {
        let fields = self.page().forms.iter().flat_map(|form| &form.fields);
        fields.filter(|(other, _)| other == name).map(|(_, value)| value.clone()).next()
    }

    #[track_caller]
    pub(crate) fn page(&self) -> &Page {
        match &self.place {
            Location::Page { page, .. } => page,
            Location::App(_) | Location::Nowhere => panic!("not on a page of ours: {:?}", self.place),
        }
    }

    /// Asserts that the browser is on a page with this status and heading.
    #[track_caller]
    pub(crate) fn expect_page(&self, status: u16, heading: &str) -> &Page {
        match &self.place {
            Location::Page { page, reply, .. } => {
                assert_eq!((reply.status, page.heading.as_str()), (status, heading), "{}", page.text);
                page
            }
            Location::App(_) | Location::Nowhere => panic!("not on a page of ours: {:?}", self.place),
        }
    }

    /// The response with the page.
    #[track_caller]
    pub(crate) fn reply(&self) -> &Reply {
        match &self.place {
            Location::Page { reply, .. } => reply,
            Location::App(_) | Location::Nowhere => panic!("not on a page of ours: {:?}", self.place),
        }
    }

    #[track_caller]
    pub(crate) fn url(&self) -> &Url {
        match &self.place {
            Location::Page { url, .. } | Location::App(url) => url,
            Location::Nowhere => panic!("the browser has not been anywhere"),
        }
    }

    /// The URL of the app it was redirected to.
    #[track_caller]
    pub(crate) fn at_app(&self) -> &Url {
        match &self.place {
            Location::App(url) => url,
            Location::Page { page, reply, .. } => panic!("still with us ({}): {}", reply.status, page.text),
            Location::Nowhere => panic!("the browser has not been anywhere"),
        }
    }

    /// Whether it was redirected to the app.
    pub(crate) fn is_at_app(&self) -> bool {
        matches!(self.place, Location::App(_))
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.jar.iter().find(|cookie| cookie.name() == name).map(Cookie::value)
    }

    /// All its cookies, as it sends them to a page of ours.
    pub(crate) fn cookie_line(&self) -> String {
        self.jar.iter().map(|cookie| cookie.stripped().to_string()).collect::<Vec<_>>().join("; ")
    }

    /// Sets a cookie, as an attacker or another tab would.
    pub(crate) fn set_cookie(&mut self, name: &str, value: &str) {
        self.keep(Cookie::new(name.to_string(), value.to_string()));
    }

    /// Forgets all cookies but this one.
    pub(crate) fn forget_all_but(&mut self, name: &str) {
        self.jar.retain(|cookie| cookie.name() == name);
    }

    pub(crate) fn forget(&mut self) {
        self.jar.clear();
    }

    /// Calls the JSON API like a script of an app on the same site, with credentials.
    pub(crate) async fn fetch_json(&mut self, path: &str, body: &Value) -> Reply {
        let request = self.http.request(Method::POST, path).json(body);
        self.send(request, Sender::Same).await
    }

    /// Reads a URL like a script, with credentials.
    pub(crate) async fn fetch(&mut self, path: &str) -> Reply {
        let request = self.http.request(Method::GET, path);
        self.send(request, Sender::Same).await
    }

    /// Sends a request like a script, with the token of a form, without following redirects or keeping cookies.
    pub(crate) async fn try_route(&self, method: &str, path: &str, token: &str) -> Reply {
        let request = match method {
            "GET" => self.http.request(Method::GET, path),
            _ => self.http.request(Method::POST, path).form(&[("_csrf", token)]),
        };
        self.clone().send(request.header(header::ACCEPT, "text/html"), Sender::Same).await
    }

    async fn navigate(
        &mut self,
        method: Method,
        target: &str,
        fields: Option<Vec<(String, String)>>,
        mut sender: Sender,
    ) {
        let base = match &self.place {
            Location::Page { url, .. } => url.clone(),
            Location::App(_) | Location::Nowhere => Url::parse(&self.http.origin).expect("an origin"),
        };
        let mut url = base.join(target).expect("an address");
        if url.origin().ascii_serialization() != self.http.origin {
            self.place = Location::App(url);
            return;
        }
        let mut request = self.http.request(method, url.as_str());
        if let Some(fields) = &fields {
            request = request.form(fields);
        }
        let mut posted = fields;
        for _ in 0..10 {
            let reply = self.send(request.header(header::ACCEPT, "text/html"), sender).await;
            let location = reply.header("location").filter(|_| (301..=308).contains(&reply.status));
            let Some(location) = location else {
                let is_html = reply.header("content-type").is_some_and(|kind| kind.starts_with("text/html"));
                let page = if is_html { Page::parse(&reply.body) } else { Page::default() };
                self.place = Location::Page { url, page: Box::new(page), reply: Box::new(reply), posted };
                return;
            };
            url = url.join(location).expect("an address");
            if url.origin().ascii_serialization() != self.http.origin {
                self.place = Location::App(url);
                return;
            }
            request = self.http.request(Method::GET, url.as_str());
            posted = None;
            if sender == Sender::OtherForm {
                sender = Sender::OtherLink;
            }
        }
        panic!("redirected without end, last to {url}");
    }

    async fn send(&mut self, request: RequestBuilder, sender: Sender) -> Reply {
        let sent = self.jar.iter().filter(|cookie| match sender {
            Sender::Same => true,
            Sender::OtherLink => cookie.same_site() != Some(SameSite::Strict),
            Sender::OtherForm => cookie.same_site() == Some(SameSite::None),
        });
        let line = sent.map(|cookie| cookie.stripped().to_string()).collect::<Vec<_>>().join("; ");
        let request = if line.is_empty() { request } else { request.header(header::COOKIE, line) };
        let reply = Reply::of(request).await;
        for value in reply.headers.get_all(header::SET_COOKIE) {
            let text = value.to_str().expect("a cookie of text").to_string();
            self.keep(Cookie::parse(text).expect("a cookie a browser understands"));
        }
        reply
    }

    fn keep(&mut self, cookie: Cookie<'static>) {
        self.jar.retain(|old| old.name() != cookie.name());
        if cookie.max_age().is_none_or(|age| age.is_positive()) {
            self.jar.push(cookie);
        }
    }
}
