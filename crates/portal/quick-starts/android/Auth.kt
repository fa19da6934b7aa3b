/** "Save your progress": the guest signs up, with the same sub. */
suspend fun saveProgress() = finish { authgear.promoteAnonymousUser(PromoteOptions("{{redirect_uri}}")) }

/** "Sign in": a member signs in again. The sub is the member's, and what the guest did stays behind. */
suspend fun signIn() = finish { authgear.authenticate(AuthenticateOptions("{{redirect_uri}}")) }

/** The user, or null when the person turned back: then nothing has changed. */
private suspend fun finish(start: suspend () -> UserInfo): UserInfo? =
    try {
        start()
    } catch (closed: CancelException) {
        null // the window was closed
    } catch (error: OAuthException) {
        if (error.error == "access_denied") null else throw error // "Not now"
    }
