// src/after-login.js, on the page of {{redirect_uri}}
import { finishSignIn } from "./auth.js";

const { result, leftGuest, page } = await finishSignIn();
// For the next page to say: "promoted", "signed-in", "cancelled" or "failed", and whether a guest stayed behind.
sessionStorage.setItem("sign-in-result", JSON.stringify({ result, leftGuest }));
location.replace(page);
