// src/useAuth.js
import { useEffect, useState } from "react";

import { fetchUser, finishSignIn } from "./auth.js";

const CALLBACK = new URL("{{redirect_uri}}").pathname;

/** The user (`undefined` while it is being found out), and how a sign-in ended that has just returned. */
export function useAuth() {
  const [auth, setAuth] = useState({ user: undefined });
  useEffect(() => {
    let mounted = true;
    // StrictMode runs this twice; finishSignIn answers the same both times.
    const arrival = location.pathname === CALLBACK ? finishSignIn() : fetchUser().then((user) => ({ user }));
    arrival.then(
      (arrived) => mounted && setAuth(arrived),
      (error) => mounted && setAuth({ user: null, result: "failed", error }),
    );
    return () => {
      mounted = false;
    };
  }, []);
  return [auth, (user) => setAuth({ user })];
}
