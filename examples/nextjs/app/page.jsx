// app/page.jsx
import { readCart } from "../lib/cart.js";
import { readSession } from "../lib/session.js";
import { addToCart, openAccount, saveProgress, signIn, signOut } from "./actions.js";
import { Button } from "./button.jsx";
import { Notice } from "./notice.jsx";

/** Rendered on the server, for the user of this browser. */
export default async function Shop({ searchParams }) {
  const { user } = await readSession();
  const query = new URLSearchParams(await searchParams).toString();
  const page = query ? `/?${query}` : "/";
  return (
    <main>
      <h1>Shop</h1>
      <p>{user ? `${user.isGuest ? "Guest" : user.email} ${user.id}` : "You are not signed in."}</p>
      <Notice />
      <ul>
        {readCart(user?.id).map((item, number) => (
          <li key={number}>{item}</li>
        ))}
      </ul>
      <form>
        <input type="hidden" name="page" value={page} />
        <Button action={addToCart}>Add to cart</Button>
        {user?.isGuest && <Button action={saveProgress}>Save your progress</Button>}
        {(!user || user.isGuest) && <Button action={signIn}>Sign in</Button>}
        {user && !user.isGuest && <Button action={openAccount}>Account</Button>}
        {user && <Button action={signOut}>Sign out</Button>}
      </form>
    </main>
  );
}
