//! OAuth 2.0 and OpenID Connect requests, responses and error codes (RFC 6749, OIDC Core).

mod authorize;
mod device;
mod error;
mod grant;
mod parameters;
mod pkce;
mod prompt;
mod response;
mod scope;
mod token;
mod token_exchange;

pub use authorize::{AuthorizeDetails, AuthorizeRequest};
pub use device::{DeviceAuthorizationRequest, DeviceAuthorizationResponse};
pub use error::{ErrorCode, OAuthError};
pub use grant::GrantType;
pub use parameters::{PARAMETERS, check_lengths};
pub use pkce::{CodeChallenge, PkceError, PkceVerifier};
pub use prompt::{Prompt, PromptSet};
pub use response::{ResponseMode, ResponseType};
pub use scope::{Scope, ScopeSet};
pub use token::{CodeExchange, TokenRequest, TokenResponse};
pub use token_exchange::{ACCESS_TOKEN_TYPE, ProviderAction, ProviderName, ProviderTokenRequest, ProviderVoucher};
