/// "Save your progress": the guest signs up, with the same sub.
Future<UserInfo?> saveProgress() => finish(() => authgear.promoteAnonymousUser(redirectURI: "{{redirect_uri}}"));

/// "Sign in": a member signs in again. The sub is the member's, and what the guest did stays behind.
Future<UserInfo?> signIn() => finish(() => authgear.authenticate(redirectURI: "{{redirect_uri}}"));

/// The user, or null when the person turned back: then nothing has changed.
Future<UserInfo?> finish(Future<UserInfo> Function() start) async {
  try {
    return await start();
  } on CancelException {
    return null; // the window was closed
  } on OAuthException catch (error) {
    if (error.error == "access_denied") return null; // "Not now"
    rethrow;
  }
}
