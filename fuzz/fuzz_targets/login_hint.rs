//! Fuzzes the login hint and the form parser: no panic, and serialized values parse to the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vestibule_protocol::form::Form;
use vestibule_protocol::login_hint::LoginHint;
use vestibule_protocol::oauth::AuthorizeRequest;

fuzz_target!(|data: &[u8]| {
    if let Ok(form) = Form::parse(data) {
        assert!(Form::parse(form.print().as_bytes()) == Ok(form.clone()), "a printed form must be read back");
        drop(AuthorizeRequest::parse(&form));
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    for hint in [text.to_owned(), format!("https://authgear.com/login_hint?{text}")] {
        if let Ok(hint) = LoginHint::parse(&hint) {
            assert!(LoginHint::parse(&hint.print()) == Ok(hint), "a printed hint must be read back");
        }
    }
});
