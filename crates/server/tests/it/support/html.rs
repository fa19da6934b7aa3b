//! Parses pages like a browser, as far as the actors need: text, links, forms, labels.

#[derive(Clone, Debug, Default)]
pub(crate) struct Form {
    pub(crate) id: String,
    pub(crate) action: String,
    /// Whether it is a GET form, whose fields go into the URL.
    pub(crate) asks: bool,
    /// Name and value of every input, in order; of check boxes and radio buttons those that are checked.
    pub(crate) fields: Vec<(String, String)>,
    /// Every checkbox and radio button: its id, name and value.
    pub(crate) boxes: Vec<[String; 3]>,
    /// The label of an input, and the input's name.
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) buttons: Vec<Button>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Button {
    pub(crate) text: String,
    pub(crate) name: String,
    pub(crate) value: String,
}

/// A button that looks like a link and sends the page's flow.
#[derive(Clone, Debug, Default)]
pub(crate) struct CarryingLink {
    pub(crate) text: String,
    pub(crate) form: String,
    pub(crate) action: String,
    pub(crate) field: (String, String),
}

/// A page as a user sees it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Page {
    pub(crate) heading: String,
    /// All its text, with white space collapsed.
    pub(crate) text: String,
    /// Text and target of every link, including those that send the page's flow.
    pub(crate) links: Vec<(String, String)>,
    pub(crate) carrying: Vec<CarryingLink>,
    pub(crate) forms: Vec<Form>,
    /// The options of every passkey button.
    pub(crate) passkeys: Vec<String>,
    /// The error beside a field, by the field's name.
    pub(crate) problems: Vec<(String, String)>,
}

enum Token<'a> {
    Open(&'a str, Vec<(String, String)>),
    Close(&'a str),
    Text(String),
}

impl Page {
    /// Parses a page; panics on markup that a browser would have to repair.
    pub(crate) fn parse(html: &str) -> Self {
        let mut page = Self::default();
        let mut form: Option<Form> = None;
        let mut selecting = String::new();
        // Open elements that collect text: tag name, attributes, text so far.
        let mut collecting: Vec<(String, Vec<(String, String)>, String)> = Vec::new();
        // Where a word may go on in the next line: nobody reads that.
        let html = html.replace("<wbr>", "");
        for token in tokenize(&html) {
            match token {
                Token::Open("form", attributes) => {
                    assert!(form.is_none(), "a form inside a form");
                    let asks = get(&attributes, "method") == "get";
                    let (id, action) = (get(&attributes, "id"), get(&attributes, "action"));
                    form = Some(Form { id, action, asks, ..Form::default() });
                }
                Token::Close("form") => page.forms.extend(form.take()),
                Token::Open("input", attributes) => {
                    let field = (get(&attributes, "name"), get(&attributes, "value"));
                    let form = form.as_mut().expect("an input is inside a form");
                    let has = |name: &str| attributes.iter().any(|(key, _)| key == name);
                    let is_box = matches!(get(&attributes, "type").as_str(), "checkbox" | "radio");
                    if is_box && !has("disabled") {
                        form.boxes.push([get(&attributes, "id"), field.0.clone(), field.1.clone()]);
                    }
                    if !has("disabled") && (!is_box || has("checked")) {
                        form.fields.push(field);
                    }
                }
                Token::Open("option", attributes) => {
                    let form = form.as_mut().expect("an option is inside a form");
                    let value = get(&attributes, "value");
                    let chosen = attributes.iter().any(|(key, _)| key == "selected");
                    match form.fields.last_mut().filter(|(name, _)| *name == selecting) {
                        Some(field) if chosen => field.1 = value,
                        Some(_) => {}
                        // Without a selection, the first option is sent.
                        None => form.fields.push((selecting.clone(), value)),
                    }
                }
                Token::Open("select", attributes) => selecting = get(&attributes, "name"),
                Token::Close("textarea") => {
                    let (_, attributes, text) = collecting.pop().expect("what is closed was opened");
                    let form = form.as_mut().expect("a text area is inside a form");
                    if !attributes.iter().any(|(key, _)| key == "disabled") {
                        let text = text.strip_prefix('\n').unwrap_or(&text).to_string();
                        form.fields.push((get(&attributes, "name"), text));
                    }
                }
                Token::Open(name @ ("a" | "h1" | "label" | "button" | "p" | "textarea"), attributes) => {
                    collecting.push((name.into(), attributes, String::new()));
                }
                Token::Close(name @ ("a" | "h1" | "label" | "button" | "p")) => {
                    let (opened, attributes, text) = collecting.pop().expect("what is closed was opened");
                    assert_eq!(opened, name, "elements are nested");
                    page.take(name, &attributes, fold(&text), form.as_mut());
                }
                Token::Open("div", attributes) if attributes.iter().any(|(name, _)| name == "data-options") => {
                    page.passkeys.push(get(&attributes, "data-options"));
                }
                Token::Open(..) | Token::Close(_) => page.text.push(' '),
                Token::Text(text) => {
                    collecting.iter_mut().for_each(|(_, _, collected)| collected.push_str(&text));
                    page.text.push_str(&text);
                }
            }
        }
        assert!(form.is_none() && collecting.is_empty(), "every element is closed");
        page.text = fold(&page.text);
        page
    }

    fn take(&mut self, name: &str, attributes: &[(String, String)], text: String, form: Option<&mut Form>) {
        match (name, form) {
            ("a", _) => self.links.push((text, get(attributes, "href"))),
            ("h1", _) => {
                assert!(self.heading.is_empty(), "a page has one heading");
                self.heading = text;
            }
            ("label", Some(form)) => form.labels.push((text, get(attributes, "for"))),
            ("button", _) if !get(attributes, "form").is_empty() => {
                let action = get(attributes, "formaction");
                self.links.push((text.clone(), action.clone()));
                let field = (get(attributes, "name"), get(attributes, "value"));
                self.carrying.push(CarryingLink { text, form: get(attributes, "form"), action, field });
            }
            ("button", Some(form)) if get(attributes, "type") == "submit" => {
                let (name, value) = (get(attributes, "name"), get(attributes, "value"));
                form.buttons.push(Button { text, name, value });
            }
            ("p", _) => {
                if let Some(field) = get(attributes, "id").strip_suffix("-error") {
                    self.problems.push((field.to_string(), text));
                }
            }
            _ => {}
        }
    }

    /// The error of a field, without the prefix for screen readers.
    pub(crate) fn problem(&self, field: &str) -> Option<&str> {
        let output = self.problems.iter().find(|(name, _)| name == field).map(|(_, text)| text.as_str());
        output.map(|text| text.strip_prefix("Error: ").unwrap_or(text))
    }
}

fn get(attributes: &[(String, String)], name: &str) -> String {
    attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap_or_default()
}

fn fold(text: &str) -> String {
    // Isolation marks keep right-to-left text in order, and are invisible.
    let visible: String = text.chars().filter(|c| !matches!(c, '\u{2068}' | '\u{2069}')).collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn tokenize(html: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        tokens.push(Token::Text(decode(&rest[..start])));
        let end = start + rest[start..].find('>').expect("a tag ends");
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            tokens.push(Token::Close(name.trim()));
        } else if !tag.starts_with('!') {
            let tag = tag.trim_end_matches('/');
            let (name, attributes) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
            tokens.push(Token::Open(name, read_attributes(attributes)));
        }
    }
    tokens.push(Token::Text(decode(rest)));
    tokens
}

fn read_attributes(text: &str) -> Vec<(String, String)> {
    let mut attributes = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
        let name = rest[..end].to_string();
        rest = &rest[end..];
        assert!(!name.is_empty(), "values are in double quotes: {text}");
        let mut value = "";
        if let Some(quoted) = rest.strip_prefix("=\"") {
            (value, rest) = quoted.split_once('"').expect("a quoted value ends");
        }
        attributes.push((name, decode(value)));
        rest = rest.trim_start();
    }
    attributes
}

fn decode(text: &str) -> String {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, entity)) = rest.split_once('&') {
        decoded.push_str(before);
        let (name, after) =
            entity.split_once(';').unwrap_or_else(|| panic!("an & that is not written &amp;: {entity}"));
        decoded.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            _ => {
                let number = name.strip_prefix('#').unwrap_or_else(|| panic!("an unknown entity: {name}"));
                let point = match number.strip_prefix('x') {
                    Some(hex) => u32::from_str_radix(hex, 16),
                    None => number.parse(),
                };
                point.ok().and_then(char::from_u32).expect("a number of a character")
            }
        });
        rest = after;
    }
    decoded.push_str(rest);
    decoded
}
