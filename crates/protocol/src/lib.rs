//! The words of the wire: OAuth 2.0, OpenID Connect, JOSE and the SDKs' JSON API. No I/O, no time, no randomness.
