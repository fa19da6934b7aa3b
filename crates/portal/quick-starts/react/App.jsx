// src/App.jsx
import { ensureUser, openAccount, saveProgress, signIn, signOut } from "./auth.js";
import { useAuth } from "./useAuth.js";

const MESSAGES = {
  promoted: "Welcome! Everything you did as a guest is yours.",
  "signed-in": "You are signed in.",
  cancelled: "Nothing has changed.",
  failed: "That did not work. Try again.",
};

export default function App() {
  const [{ user, result, leftGuest }, setUser] = useAuth();
  if (user === undefined) return <p>One moment …</p>;
  const guest = user?.isAnonymous === true;
  const member = user !== null && !guest;
  return (
    <main>
      <p>{user ? `${guest ? "Guest" : user.email} ${user.sub}` : "You are not signed in."}</p>
      {result && <p role="status">{leftGuest ? "You are signed in. What you did as a guest stayed behind." : MESSAGES[result]}</p>}
      <button onClick={async () => setUser(await ensureUser())}>Add to cart</button>
      {guest && <button onClick={saveProgress}>Save your progress</button>}
      {!member && <button onClick={signIn}>Sign in</button>}
      {member && <button onClick={openAccount}>Account</button>}
      {user && <button onClick={() => signOut().then(() => setUser(null))}>Sign out</button>}
    </main>
  );
}
