// An app in a browser with oidc-client-ts: what it knows of the user is in `state`.

import { UserManager, WebStorageStateStore } from "oidc-client-ts";

const users = new UserManager({
  ...globalThis.settings,
  scope: "openid offline_access email",
  loadUserInfo: true,
  userStore: new WebStorageStateStore({ store: localStorage }),
});
globalThis.users = users;
/** The access tokens before and after a refresh. */
globalThis.refresh = async () => {
  const before = (await users.getUser()).access_token;
  return [before, (await users.signinSilent()).access_token];
};
const user = location.pathname === "/after-login" ? await users.signinCallback() : await users.getUser();
globalThis.state = { user: user ? { sub: user.profile.sub, email: user.profile.email } : null };
