func finish(_ result: Result<UserInfo, Error>) {
    switch result {
    case let .success(userInfo):
        print(userInfo.sub) // after signing in it is the member's: what the guest did stays behind
    case .failure(AuthgearError.cancel):
        break // the window was closed: nothing has changed
    case let .failure(AuthgearError.oauthError(error)) where error.error == "access_denied":
        break // "Not now": nothing has changed
    case let .failure(error):
        print(error)
    }
}

// "Save your progress": the guest signs up, with the same sub.
authgear.promoteAnonymousUser(redirectURI: "{{redirect_uri}}", handler: finish)

// "Sign in": a member signs in again.
authgear.authenticate(redirectURI: "{{redirect_uri}}", handler: finish)
