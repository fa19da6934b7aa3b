import authgear, { CancelError } from "@authgear/react-native";

const REDIRECT = { redirectURI: "{{redirect_uri}}" };

/** "Save your progress": the guest signs up, with the same `sub`. */
export const saveProgress = () => finish(() => authgear.promoteAnonymousUser(REDIRECT));

/** "Sign in": a member signs in again. The `sub` is the member's, and what the guest did stays behind. */
export const signIn = () => finish(() => authgear.authenticate(REDIRECT));

/** The user, or null when the person turned back: then nothing has changed. */
async function finish(start) {
  try {
    return (await start()).userInfo;
  } catch (error) {
    // The window was closed, or "Not now".
    if (error instanceof CancelError || error.error === "access_denied") return null;
    throw error;
  }
}
